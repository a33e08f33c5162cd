//! One integration binary: everything here goes over real sockets, to a mock on loopback.

mod added;
mod attachments;
mod bases;
mod change_log;
mod changes;
mod choices;
mod comments;
mod conditions;
mod cursors;
mod definitions;
mod examples;
mod expiry;
mod faults;
mod feeds;
mod first_load;
mod late;
mod layers;
mod links;
mod log_follower;
#[cfg(unix)]
mod machine_faults;
mod machines;
mod oauth;
mod odd_webhooks;
mod polls;
mod read;
mod source;
mod stats;
mod stored;
mod webhooks;
