//! The whole path of a request.
//!
//! Mount and route, gate, handler, leases and tokens, record: in this order, for every request.

use std::sync::Arc;

use keyward_api::{GrantedAuth, Operation};
use keyward_crypto::SecretBytes;

use crate::{
    Core, Error, Outcome, Request, Response,
    audit::Answer,
    engine::Call,
    gate::{self, Admitted, Principal, Refused},
    lifecycle::Unsealed,
    mount::MountEntry,
    mounts::Mount,
    token::Auth,
};

/// What a request came to, ready to be written into the envelope.
#[derive(Debug)]
pub struct Done {
    /// The JSON text of the data.
    pub data: Option<SecretBytes>,
    /// How it went.
    pub outcome: Outcome,
    /// What the caller should know.
    pub warnings: Vec<String>,
    /// The token that was made.
    pub auth: Option<GrantedAuth>,
    /// The name of that token in audit entries; empty where none was made.
    pub display_name: String,
    /// The lease that was registered; empty where there is none.
    pub lease_id: String,
    /// Whether the lease may be renewed.
    pub renewable: bool,
    /// Seconds that the data may be used; 0 where there is no lease.
    pub lease_duration: u64,
    /// Whether the fields of the data stand beside the envelope's once more.
    pub at_top: bool,
    /// The mount that answered.
    pub mount: Arc<MountEntry>,
}

impl Core {
    /// Answers one request.
    ///
    /// # Errors
    /// It was refused or failed, and nothing was changed; that is on record, unless the server is
    /// sealed, where no record can be made.
    pub async fn handle(&self, request: Request) -> Result<Done, Error> {
        let unsealed = self.unsealed().ok_or(Error::Sealed)?;
        let done = handle(&unsealed, request).await;
        if unsealed.shall_seal() {
            self.seal().await;
        }
        done
    }
}

async fn handle(core: &Arc<Unsealed>, mut request: Request) -> Result<Done, Error> {
    if request.operation == Operation::List {
        request.path = request.path.into_folder();
    }
    let request = Arc::new(request);
    let now = core.clock.now();
    let path = request.path.as_str();
    let found = core.mounts.find(path);
    let route = match &found {
        _ if writes_to_folder(&request) => {
            Err(Error::invalid("cannot write to a path ending in '/'"))
        }
        // Served unwrapped, the answer would reach whom the caller wanted to keep it from.
        _ if request.wrap_ttl.is_some() => Err(Error::invalid(
            "response wrapping is not supported by this server",
        )),
        None => Err(Error::NoRoute(path.to_owned())),
        Some((mount, rest)) => mount.mounted.routes.find(request.operation, rest),
    };
    let mount = found.as_ref().map(|(mount, _)| mount);
    let (mut matched, admitted) = match gate::admit(core, &request, mount, route, now).await {
        Ok(admitted) => admitted,
        Err(refused) => return record_failure(refused).await,
    };
    let Admitted {
        operation,
        principal,
        ticket,
        view,
        mount,
    } = admitted;
    let call = Call {
        request: Arc::clone(&request),
        operation,
        captures: matched.take_captures(),
        view: view.clone(),
        now,
        principal: principal.clone(),
        mount: Arc::clone(&mount.entry),
        core: Arc::clone(core),
    };
    let answered = match matched.run(call).await {
        Ok(response) => {
            complete(
                core,
                &mount,
                &request,
                principal.as_deref(),
                &view,
                response,
            )
            .await
        }
        Err(error) => Err(error),
    };
    match answered {
        Ok(done) => {
            ticket.finish(Answer::Done(&done)).await?;
            Ok(done)
        }
        Err(error) => record_failure(Refused { error, ticket }).await,
    }
}

fn writes_to_folder(request: &Request) -> bool {
    matches!(request.operation, Operation::Update | Operation::Patch)
        && request.path.as_str().ends_with('/')
}

/// Writes down a failure, which is then what the caller hears.
async fn record_failure(refused: Refused) -> Result<Done, Error> {
    refused
        .ticket
        .finish(Answer::Failed(&refused.error))
        .await?;
    Err(refused.error)
}

/// Makes what the engine granted: a token, a lease.
async fn complete(
    core: &Arc<Unsealed>,
    mount: &Mount,
    request: &Request,
    principal: Option<&Principal>,
    view: &crate::view::View,
    response: Response,
) -> Result<Done, Error> {
    let Response {
        data,
        mut warnings,
        auth,
        lease,
        outcome,
        at_top,
    } = response;
    let created = match auth.map(|auth| *auth) {
        None => None,
        Some(Auth::Renewed(renewed)) => Some(renewed),
        Some(Auth::Asked(grant)) => {
            view.on_record().await?;
            let parent = principal.map(|principal| &*principal.token);
            let limits = mount.entry.config.limits();
            let path = request.path.as_str();
            let now = core.clock.now();
            Some(core.tokens.create(grant, parent, limits, path, now).await?)
        }
    };
    let mut display_name = String::new();
    let auth = created.map(|mut created| {
        warnings.splice(0..0, created.warnings.drain(..));
        created.token.display_name().clone_into(&mut display_name);
        created.into_granted()
    });
    let lease_duration = lease.as_ref().map_or(0, |lease| lease.ttl.as_secs());
    Ok(Done {
        data,
        outcome,
        warnings,
        auth,
        display_name,
        lease_id: String::new(),
        renewable: lease.is_some_and(|lease| lease.renewable),
        lease_duration,
        at_top,
        mount: Arc::clone(&mount.entry),
    })
}
