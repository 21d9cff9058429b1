//! What a server that dies must not lose.

mod kill_nine;
mod ledger;
