//! Airtable's Web API: what it says, what it is asked, and how it is asked without being asked too much.
//!
//! | file | is |
//! |---|---|
//! | `client`, `body` | asks, and hands on answers |
//! | `file_host` | the host of attachments' files, which is not the API |
//! | `oauth` | who asks, and how a token that has expired is renewed |
//! | `lanes`, `proxy`, `departure` | by which connection and which proxy a request goes, and when |
//! | `tally`, `calls`, `clock` | what one asker's requests cost, how many go to a base, and the service's time |
//! | `request`, `failure`, `retry` | what is asked, how that fails, and when it is asked again |
//! | `pace`, `share`, `budget` | when the next request may go, what other machines leave, and where processes agree on it |
//! | `location`, `roster`, `beat` | who else reads the base on other machines, and whose turn is when |
//! | `lock_file`, `words` | files that processes share, and numbers in them |
//! | `payload`, `cell_changes`, `payload_page` | what webhooks tell, of cells too, and how it is asked for |
//! | `schema`, `formula` | what Airtable says of a base, and the conditions that it is asked with |

pub(crate) mod beat;
pub(crate) mod body;
pub(crate) mod budget;
pub(crate) mod calls;
pub(crate) mod cell_changes;
pub(crate) mod client;
pub(crate) mod clock;
pub(crate) mod departure;
pub(crate) mod failure;
pub(crate) mod file_host;
pub(crate) mod formula;
pub(crate) mod lanes;
pub(crate) mod location;
pub(crate) mod lock_file;
pub(crate) mod oauth;
pub(crate) mod pace;
pub(crate) mod payload;
pub(crate) mod payload_page;
pub(crate) mod proxy;
pub(crate) mod request;
pub(crate) mod retry;
pub(crate) mod roster;
pub(crate) mod schema;
pub(crate) mod share;
pub(crate) mod tally;
pub(crate) mod words;
