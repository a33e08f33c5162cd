//! The people of the sample.

use crate::data::person::Person;

/// The people of the sample; the first owns the default token.
pub(crate) fn people() -> Vec<Person> {
    let person = |number: u32, first: &str, last: &str| Person {
        id: format!("usrMockPerson{number:04}"),
        email: Some(format!("{}.{}@example.com", first.to_lowercase(), last.to_lowercase())),
        name: format!("{first} {last}"),
    };
    vec![
        person(1, "Ada", "Example"),
        person(2, "Bruno", "Sample"),
        person(3, "Chiyo", "Placeholder"),
        person(4, "Dele", "Specimen"),
        // A group: no email, and an id of another kind.
        Person { id: "ugpMockGroup00005".into(), email: None, name: "Launch Crew".into() },
    ]
}
