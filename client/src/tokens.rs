//! Tokens.

use std::time::Duration;

use keyward_api::auth::{CreateToken, LookupSelf, RenewSelf, RevokeSelf, TokenInfo};
use keyward_api::{Endpoint, GrantedAuth};

use crate::exchange::number;
use crate::{Effect, Error, Keyward, Renewal, Transport};

const MOUNT: &str = "auth/token";

/// Tokens: the client's own, and those that it makes.
pub struct Tokens<'a, T> {
    pub(crate) client: &'a Keyward<T>,
}

impl<T: Transport> Tokens<'_, T> {
    /// Makes a token.
    ///
    /// # Errors
    /// As of [`Keyward::call`].
    pub async fn create(&self, request: &CreateToken) -> Result<GrantedAuth, Error> {
        self.granted(request).await
    }

    /// Reads what is known of the client's token.
    ///
    /// # Errors
    /// As of [`Keyward::call`].
    pub async fn lookup_self(&self) -> Result<TokenInfo, Error> {
        let request = LookupSelf::default();
        self.client.data(MOUNT, &request, Effect::Computes).await
    }

    /// Gives the client's token its next term.
    ///
    /// # Errors
    /// As of [`Keyward::call`].
    pub async fn renew_self(&self, increment: Option<Duration>) -> Result<GrantedAuth, Error> {
        self.granted(&RenewSelf {
            increment: increment.and_then(|increment| increment.as_secs().try_into().ok()),
            ..RenewSelf::default()
        })
        .await
    }

    /// When a token that was granted now should be renewed; none if it need not or cannot be.
    pub fn renewal(&self, granted: &GrantedAuth) -> Option<Renewal> {
        Renewal::of(granted, self.client.transport().now(), number())
    }

    /// Renews the client's token if that is due; returns the renewal after.
    ///
    /// # Errors
    /// As of [`Keyward::call`].
    pub async fn renew_if_due(&self, renewal: Renewal) -> Result<Option<Renewal>, Error> {
        if !renewal.due(self.client.transport().now()) {
            return Ok(Some(renewal));
        }
        let granted = self.renew_self(None).await?;
        Ok(self.renewal(&granted))
    }

    /// Ends the client's token and all that it made.
    ///
    /// # Errors
    /// As of [`Keyward::call`].
    pub async fn revoke_self(&self) -> Result<(), Error> {
        let request = RevokeSelf::default();
        let revoked = self.client.call(MOUNT, &request, Effect::Changes);
        revoked.await.map(drop)
    }

    async fn granted<E: Endpoint>(&self, request: &E) -> Result<GrantedAuth, Error> {
        let reply = self.client.call(MOUNT, request, Effect::Changes).await?;
        reply.auth.ok_or_else(|| Error::missing("token"))
    }
}
