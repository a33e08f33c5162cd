//! The mock Airtable over real sockets: what a client can tell, and what tests can make it do.

mod answers;
mod client;
mod data;
mod faults;
mod limits;
mod listings;
mod tokens;
mod webhooks;
