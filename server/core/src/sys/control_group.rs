//! `sys/control-group/`: requests that wait until others approve them.

use std::sync::Arc;

use keyward_api::{
    SensitiveJson,
    sys::{
        Authorization, AuthorizeRequest, ReadWaitingRequest, RequestApproval, Requester,
        WaitingRequest,
    },
};

use super::Sys;
use crate::{
    Error, Identity, Response, Token,
    control::{self, Waiting},
    engine::Context,
    storage::Revision,
    token,
};

/// Approves a request.
pub(super) async fn authorize(
    cx: Context<Sys>,
    request: AuthorizeRequest,
) -> Result<Response<RequestApproval>, Error> {
    let core = cx.core();
    loop {
        let (token, mut waiting, revision) = waiting(&cx, request.accessor.as_deref()).await?;
        let approver = cx.principal().and_then(|it| it.identity.as_deref());
        let approver = approver.ok_or_else(|| Error::fault("empty entity ID"))?;
        cx.view().on_record().await?;
        let approval = waiting.approve(core, &token, revision, approver, cx.now());
        match approval.await {
            Ok(()) => {
                let approved = waiting.is_approved(cx.now());
                return Ok(Response::data(RequestApproval { approved }));
            }
            // Somebody else approved it, or it was done: each comes to an end.
            Err(Error::Conflict(_)) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Shows a request.
pub(super) async fn read(
    cx: Context<Sys>,
    request: ReadWaitingRequest,
) -> Result<Response<WaitingRequest>, Error> {
    let (_, waiting, _) = waiting(&cx, request.accessor.as_deref()).await?;
    let identities = &cx.core().identities;
    let name = |it: Option<Arc<Identity>>| {
        it.map_or_else(String::new, |identity| identity.entity_name().to_owned())
    };
    let authorizations = waiting.approvers(identities);
    let authorizations = authorizations.map(|(id, identity)| Authorization {
        entity_id: id.to_owned(),
        entity_name: name(identity),
    });
    let requester = waiting.requester(identities);
    let request_entity = requester.map_or_else(Requester::default, |identity| Requester {
        id: identity.entity_id().to_owned(),
        upper_id: identity.entity_id().to_owned(),
        name: identity.entity_name().to_owned(),
    });
    // EXPOSE: shown to who may decide about it.
    let request_data = match waiting.body().expose() {
        "" => None,
        body => Some(SensitiveJson::new(body.to_owned()).map_err(Error::internal)?),
    };
    Ok(Response::data(WaitingRequest {
        approved: waiting.is_approved(cx.now()),
        authorizations: authorizations.collect(),
        request_data,
        request_entity,
        request_operation: waiting.operation().name().to_owned(),
        request_path: waiting.path().to_owned(),
    }))
}

/// Finds a request by the accessor of the wrapping token that it waits behind.
async fn waiting(
    cx: &Context<Sys>,
    accessor: Option<&str>,
) -> Result<(Arc<Token>, Waiting, Revision), Error> {
    let tokens = &cx.core().tokens;
    let token = token::accessed(tokens, accessor, cx.now()).await?;
    let token = token.ok_or_else(|| Error::fault("invalid accessor"))?;
    match control::find(tokens, &token).await? {
        Some((waiting, revision)) => Ok((token, waiting, revision)),
        None => Err(Error::fault("invalid wrapping token")),
    }
}
