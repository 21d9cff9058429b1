//! The whole path of a request.
//!
//! Mount and route, gate, handler, leases and tokens, record: in this order, for every request. A
//! panic on the way is a failure like any other, and is on record as one.

use std::sync::{Arc, OnceLock};

use keyward_api::{GrantedAuth, Operation};

use crate::{
    Core, Done, Error, Identity, Request, Response, Timestamp, ValidatedLogin, WrapFormat,
    audit::{Answer, Facts},
    control,
    engine::Call,
    gate::{self, Admitted, Principal, Refused, Standing},
    idempotency::Begun,
    identity::{Demanded, Login, PendingLogin},
    in_flight::Entered,
    inline,
    lease::{self, Prepared},
    lifecycle::Unsealed,
    listing,
    mounts::Mount,
    panics::caught,
    policy::Demand,
    response::{GrantedLease, LeaseGrant, Rewrapped},
    token::{Auth, AuthGrant, Created, Token},
    view::View,
    wrapping::{self, WrapGrant, Wrapped},
};

impl Core {
    /// Answers one request.
    ///
    /// # Errors
    /// It was refused or failed, and nothing was changed; that is on record, unless the server is
    /// sealed, where no record can be made.
    pub async fn handle(&self, mut request: Request) -> Result<Done, Error> {
        let unsealed = self.unsealed().ok_or(Error::Sealed)?;
        let done = match request.login.take() {
            None => handle(&unsealed, request, Standing::Plain).await,
            Some(login) => Box::pin(inline::handle(&unsealed, *login, request)).await,
        };
        if unsealed.shall_seal() {
            self.seal().await;
        }
        done
    }

    /// Puts a request on record that a rate limit refuses, where that is wished for.
    ///
    /// # Errors
    /// The request was refused, for this reason: always.
    pub async fn refuse(&self, request: Request, reason: Error) -> Result<Done, Error> {
        let unsealed = self.unsealed().ok_or(Error::Sealed)?;
        refuse(&unsealed, request, reason).await
    }
}

/// Does a request that waited, now that it is approved.
///
/// # Errors
/// As [`Core::handle`].
pub(crate) async fn perform(
    core: &Arc<Unsealed>,
    request: Request,
    approved: &Demand,
) -> Result<Done, Error> {
    handle(core, request, Standing::Approved(approved)).await
}

/// Answers one request.
///
/// # Errors
/// As [`Core::handle`].
pub(crate) async fn handle(
    core: &Arc<Unsealed>,
    mut request: Request,
    standing: Standing<'_>,
) -> Result<Done, Error> {
    if request.operation.lists() {
        request.path = request.path.into_folder();
    }
    let request = Arc::new(request);
    let now = core.clock.now();
    let in_flight = core.in_flight.enter(&request, now);
    let done = admit_and_run(core, &request, &in_flight, standing, now).await;
    drop(in_flight);
    core.metrics.stop(now, &core.metrics.handle_request);
    if let Err(error) = &done {
        core.metrics.failures.count(error);
    }
    done
}

async fn admit_and_run(
    core: &Arc<Unsealed>,
    request: &Arc<Request>,
    in_flight: &Entered<'_>,
    standing: Standing<'_>,
    now: Timestamp,
) -> Result<Done, Error> {
    let path = request.path.as_str();
    let found = core.mounts.lead(path);
    let route = match &found {
        _ if writes_to_folder(request) => {
            Err(Error::invalid("cannot write to a path ending in '/'"))
        }
        None => Err(Error::NoRoute(path.to_owned())),
        // Vault's sentence; it knows of no other upgrade.
        Some((mount, _)) if mount.pending.is_some() => Err(Error::invalid(
            "Upgrading from non-versioned to versioned data. This backend will be unavailable for a \
             brief period and will resume service shortly.",
        )),
        Some((mount, rest)) => mount.mounted.routes.find(request.operation, rest),
    };
    let mount = found.as_ref().map(|(mount, _)| mount);
    let admit = gate::admit(core, request, mount, route, standing, now);
    let admitted = caught(async { Ok(admit.await) }).await;
    core.metrics.stop(now, &core.metrics.check_token);
    let admitted =
        admitted.unwrap_or_else(|error| Err(undecided(core, request, mount, now, error)));
    let (mut matched, admitted) = match admitted {
        Ok(admitted) => admitted,
        Err(refused) => return record_failure(refused).await,
    };
    let Admitted {
        operation,
        principal,
        ticket,
        view,
        mount,
        listing,
        demand,
    } = admitted;
    if let Some(principal) = &principal {
        in_flight.belongs_to(principal);
    }
    if let (Some(demand), Some(principal)) = (demand, &principal) {
        let laid = Box::pin(lay_aside(core, request, principal, &demand, &view, &mount));
        let laid = caught(laid).await;
        return match laid {
            Ok(done) => {
                ticket.finish(Answer::Done(&done)).await?;
                Ok(done)
            }
            Err(error) => record_failure(Refused { error, ticket }).await,
        };
    }
    let prepared = Arc::new(OnceLock::new());
    let call = Call {
        request: Arc::clone(request),
        operation,
        captures: matched.take_captures(),
        view: view.clone(),
        now,
        principal: principal.clone(),
        mount: Arc::clone(&mount.entry),
        prepared: Arc::clone(&prepared),
        core: Arc::clone(core),
        page: None,
    };
    let begun = match principal.as_deref() {
        Some(Principal { token, .. }) => {
            let keys = &core.idempotency;
            caught(keys.begin(request, token, &mount.entry, &view, now)).await
        }
        None => Ok(None),
    };
    let running = match begun {
        Ok(None) => None,
        Ok(Some(Begun::Run(running))) => Some(running),
        Ok(Some(Begun::Again(done))) => {
            ticket.finish(Answer::Done(&done)).await?;
            return Ok(*done);
        }
        Err(error) => return record_failure(Refused { error, ticket }).await,
    };
    let start = core.metrics.start();
    let ran = caught(async {
        match request.operation.lists() {
            true => listing::run(core, &matched, call, listing.as_deref()).await,
            false => matched.run(call).await,
        }
    })
    .await;
    core.metrics.stop(start, mount.metrics.of(operation));
    let answered = match ran {
        // What the others take must not take room in every request.
        Ok(response) if response.is_plain() && request.wrap_ttl.is_none() => {
            Ok(response.into_done(&mount))
        }
        Ok(response) => {
            let answering = Answering {
                core,
                mount: &mount,
                request,
                principal: principal.as_deref(),
                view: &view,
                prepared: prepared.get(),
                standing,
            };
            caught(Box::pin(complete(answering, response))).await
        }
        Err(error) => Err(error),
    };
    if answered.is_err() {
        end_unseen(core, &mount, &prepared).await;
    }
    if let Some(running) = running {
        let came = answered.as_ref();
        core.idempotency.finish(running, came, request).await;
    }
    match answered {
        Ok(done) => match ticket.finish(Answer::Done(&done)).await {
            Ok(()) => Ok(done),
            Err(error) => {
                end_unseen(core, &mount, &prepared).await;
                Err(error)
            }
        },
        Err(error) => record_failure(Refused { error, ticket }).await,
    }
}

/// Answers a request that others have to approve with the token that it waits behind.
async fn lay_aside(
    core: &Unsealed,
    request: &Request,
    principal: &Principal,
    demand: &Demand,
    view: &View,
    mount: &Mount,
) -> Result<Done, Error> {
    view.on_record().await?;
    let now = core.clock.now();
    let info = control::lay_aside(&core.tokens, request, principal, demand.clone(), now).await?;
    Ok(Done {
        wrap_info: Some(info),
        ..Done::empty(Arc::clone(&mount.entry))
    })
}

/// Writes down that a request failed before the gate was asked.
///
/// # Errors
/// This one: always.
pub(crate) async fn refuse(
    core: &Unsealed,
    request: Request,
    reason: Error,
) -> Result<Done, Error> {
    let request = Arc::new(request);
    let mount = core.mounts.lead(request.path.as_str());
    let mount = mount.as_ref().map(|(mount, _)| mount);
    let now = core.clock.now();
    record_failure(undecided(core, &request, mount, now, reason)).await
}

/// Makes what is written down of a request that the gate decided nothing about, since it was not
/// asked, or panicked: that it came, and failed.
fn undecided(
    core: &Unsealed,
    request: &Arc<Request>,
    mount: Option<&Arc<Mount>>,
    time: Timestamp,
    error: Error,
) -> Refused {
    let ticket = core.audit.ticket(Facts {
        operation: request.operation,
        request: Arc::clone(request),
        principal: None,
        verdict: None,
        mount: mount.map(|mount| Arc::clone(&mount.entry)),
        time,
    });
    Refused { error, ticket }
}

/// Has a secret taken back that nobody gets.
async fn end_unseen(core: &Arc<Unsealed>, mount: &Mount, prepared: &OnceLock<Prepared>) {
    if let Some(unseen) = prepared.get() {
        lease::end(core, mount, unseen).await;
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

/// A request whose engine has answered.
#[derive(Clone, Copy)]
struct Answering<'a> {
    core: &'a Arc<Unsealed>,
    mount: &'a Mount,
    request: &'a Request,
    principal: Option<&'a Principal>,
    view: &'a View,
    prepared: Option<&'a Prepared>,
    standing: Standing<'a>,
}

/// Makes what the engine granted, a token, a lease, and wraps the answer if that is asked for.
async fn complete(answering: Answering<'_>, mut response: Response) -> Result<Done, Error> {
    let Answering {
        core,
        mount,
        request,
        view,
        ..
    } = answering;
    let entry = Arc::clone(&mount.entry);
    let asked = request.wrap_grant();
    // Who asked for a token to be wrapped gets it so, at whichever half of the login that was.
    let asked = asked.or_else(|| match response.auth.as_deref() {
        Some(Auth::Validated(ValidatedLogin { login, .. })) => login.wrap.clone(),
        _ => None,
    });
    // Nobody in particular may ask that something be kept, but not for ever.
    let asked = asked.map(|how| match answering.principal {
        Some(_) => how,
        None => WrapGrant {
            ttl: how.ttl.min(mount.limits().max),
            ..how
        },
    });
    let accessor = response.accessor.take();
    let (done, again) = match response.wrapped.take().map(|wrapped| *wrapped) {
        Some(Rewrapped { wrapped, again }) => (Done::unwrapped(wrapped, entry)?, again),
        None => (grant(answering, response).await?, None),
    };
    match again.or(asked) {
        // What asks for a second factor opens nothing by itself.
        _ if done.requires_mfa() => Ok(done),
        Some(how) if !done.is_empty() => wrap(core, request, view, done, how, accessor).await,
        _ => Ok(done),
    }
}

/// Makes the token and the lease that the engine granted.
async fn grant(answering: Answering<'_>, mut response: Response) -> Result<Done, Error> {
    let Answering {
        core,
        mount,
        request,
        principal,
        view,
        prepared,
        standing,
    } = answering;
    let (auth, lease) = (response.auth.take(), response.lease.take());
    let mut done = response.into_done(mount);
    let warnings = &mut done.warnings;
    let created = match auth.map(|auth| *auth) {
        None => None,
        Some(Auth::Renewed(renewed)) => Some(renewed),
        Some(Auth::Asked(mut grant)) => {
            if mount.gives_logins() {
                grant.at_login(&mount.entry)?;
            }
            view.on_record().await?;
            let parent = principal.map(|principal| &*principal.token);
            let path = request.path.as_str();
            let now = core.clock.now();
            let identity = enter(core, mount, &mut grant, view, now).await?;
            if mount.gives_logins() {
                let login = Login {
                    request,
                    mount: &mount.entry,
                    identity: identity.as_deref(),
                    view,
                    now,
                };
                match core.identities.mfa.demand(login, grant).await? {
                    Demanded::Met {
                        grant: met,
                        warning,
                    } => {
                        grant = met;
                        warnings.extend(warning.map(str::to_owned));
                    }
                    Demanded::Needed(requirement) => {
                        warnings.push(MFA_NEEDED.to_owned());
                        return Ok(Done {
                            warnings: done.warnings,
                            auth: Some(GrantedAuth::requiring(requirement)),
                            ..Done::empty(Arc::clone(&mount.entry))
                        });
                    }
                }
            }
            // A service of others may have taken its time to confirm the login.
            let now = core.clock.now();
            Some(match standing {
                Standing::LogsIn(place) => {
                    let created = core.tokens.lend(grant, mount.limits(), path, now)?;
                    let _ = place.set(Arc::clone(&created.token));
                    Created {
                        identity,
                        ..created
                    }
                }
                _ => mint(core, mount, grant, parent, path, identity, now).await?,
            })
        }
        Some(Auth::Validated(validated)) => {
            view.on_record().await?;
            let ValidatedLogin {
                login: PendingLogin { grant, path, .. },
                mount,
                identity,
            } = validated;
            let now = core.clock.now();
            Some(mint(core, &mount, grant, None, &path, Some(identity), now).await?)
        }
    };
    if let Some(mut created) = created {
        warnings.splice(0..0, created.warnings.drain(..));
        created
            .token
            .display_name()
            .clone_into(&mut done.display_name);
        done.auth = Some(created.into_granted());
    }
    let lease = match lease.map(|lease| *lease) {
        None => None,
        Some(LeaseGrant::Hint(ttl)) => Some(GrantedLease {
            id: String::new(),
            ttl,
            renewable: false,
            warnings: Vec::new(),
        }),
        Some(LeaseGrant::Renewed(renewed)) => Some(renewed),
        Some(LeaseGrant::Secret(secret)) => {
            let lease = prepared.ok_or_else(|| Error::internal("a secret was not prepared"))?;
            Some(lease::register(core, mount, lease, secret).await?)
        }
    };
    if let Some(lease) = lease {
        done.warnings.extend(lease.warnings);
        done.lease_duration = lease.ttl.as_secs();
        done.renewable = lease.renewable;
        done.lease_id = lease.id;
    }
    Ok(done)
}

/// What Vault says to who logs in without a second factor that is needed.
const MFA_NEEDED: &str = "A login request was issued that is subject to MFA validation. Please make \
    sure to validate the login by sending another request to mfa/validate endpoint.";

/// What Vault says where a JWT cannot tell who opens it.
const NO_ADDRESS: &str = "No redirect address set in Vault so none could be encoded in the token. You \
    may need to supply Vault's API address when unwrapping the token.";

/// Makes the token that a mount granted.
async fn mint(
    core: &Unsealed,
    mount: &Mount,
    mut grant: AuthGrant,
    parent: Option<&Token>,
    path: &str,
    identity: Option<Arc<Identity>>,
    now: Timestamp,
) -> Result<Created, Error> {
    grant.kind = Some(mount.entry.config.token_kind(grant.kind));
    let limits = mount.limits();
    let mut created = core.tokens.create(grant, parent, limits, path, now).await?;
    // It was unmounted or moved meanwhile, which may have missed this token: whoever writes first,
    // one of the two sees the other.
    if mount.gives_logins() && !core.mounts.has(mount) {
        core.tokens.revoke(created.token.digest()).await?;
        return Err(Error::NoRoute(path.to_owned()));
    }
    created.identity = identity;
    let mount_point = mount.full_path();
    let labels = [&*mount_point, created.token.kind().name()];
    core.metrics.token_creation.with_label_values(&labels).inc();
    Ok(created)
}

/// Finds or makes the entity that a token is for, and tells what it brings; none if it is for none.
async fn enter(
    core: &Unsealed,
    mount: &Mount,
    grant: &mut AuthGrant,
    view: &View,
    now: Timestamp,
) -> Result<Option<Arc<Identity>>, Error> {
    let Some(alias) = grant.alias.take() else {
        return Ok(core.identities.store.of(&grant.entity_id));
    };
    let accessor = &mount.entry.accessor;
    let identity = core
        .identities
        .store
        .log_in(accessor, &alias, view, now)
        .await?;
    identity.entity_id().clone_into(&mut grant.entity_id);
    Ok(Some(identity))
}

/// Lays an answer aside and answers with the token that opens it; warnings stay outside as well, and
/// the accessor of what is inside, which `accessor` is unless that is a token.
async fn wrap(
    core: &Arc<Unsealed>,
    request: &Request,
    view: &View,
    done: Done,
    how: WrapGrant,
    accessor: Option<String>,
) -> Result<Done, Error> {
    view.on_record().await?;
    let now = core.clock.now();
    let mut inside = Done {
        at_top: false,
        ..done
    };
    // Before anything is laid aside: without a key nobody could be told how to open it.
    let signer = match how.format {
        WrapFormat::Jwt => Some(core.wrapping_jwts.signer(now).await?),
        WrapFormat::Token => None,
    };
    if signer.is_some() && core.api_addr.is_empty() {
        inside.warnings.push(NO_ADDRESS.to_owned());
    }
    let wrapped = Wrapped::of(&inside, request.id)?;
    let mut info = wrapping::wrap(&core.tokens, wrapped, how, now).await?;
    let of_token = inside.auth.as_ref().map(|auth| auth.accessor.clone());
    info.wrapped_accessor = of_token.or(accessor).unwrap_or_default();
    if let Some(signer) = signer {
        signer.sign(&mut info, &core.api_addr, now)?;
    }
    Ok(Done {
        wrap_info: Some(info),
        warnings: inside.warnings,
        ..Done::empty(inside.mount)
    })
}
