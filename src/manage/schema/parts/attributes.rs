//! The attributes of a distinguished name.

use super::optional;
use crate::schema::table::{Field, Kind, Part, Relation};
use crate::schema::text::ATTRIBUTE_VALUE;

const fn attribute(name: &'static str, meaning: &'static str) -> Field {
    const VALUE: Kind = Kind::Text(&ATTRIBUTE_VALUE);
    let values = Kind::Either(&[VALUE, Kind::List { of: &VALUE, least: 1, unique: false }]);
    optional(name, values, "not compared", meaning)
}

/// A subject or an issuer.
pub(super) static ATTRIBUTES: Part = Part {
    id: "attributes",
    title: "Attributes of names",
    place: "`subject` and `issuer` of credentials, relays and rules",
    meaning: "Attributes of a distinguished name. A name matches if it has each of these attributes with exactly these \
              values. The string type of a value does not count. Each letter and each space counts. A list has all \
              values of an attribute that occurs several times, in their order. A value is not empty and has no NUL.",
    fields: &[
        attribute("common_name", "The common name (CN).").such_as(&["\"cart\""]),
        attribute("organization", "The organization (O)."),
        attribute("organizational_unit", "The organizational unit (OU).").such_as(&["[\"shop\", \"eu\"]"]),
        attribute("country", "The country (C), in two letters.").such_as(&["\"DE\""]),
        attribute("state_or_province", "The state or province (ST)."),
        attribute("locality", "The locality (L)."),
        attribute("street_address", "The street address (STREET)."),
        attribute(
            "serial_number",
            "The serial number that the issuer assigned to the subject. It is not the certificate's serial number.",
        ),
        attribute("domain_component", "The domain components (DC): labels of a domain name, the last label first."),
        attribute("user_id", "The user identifier (UID)."),
        attribute("email_address", "The e-mail address (PKCS #9)."),
        attribute("title", "The title."),
        attribute("given_name", "The given name."),
        attribute("surname", "The surname."),
        attribute("organization_identifier", "The organization identifier (ETSI EN 319 412-1)."),
    ],
    relations: &[Relation::NotEmpty],
};
