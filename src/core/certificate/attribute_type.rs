//! The attribute types of a distinguished name that a registry can compare.

/// Generates the attribute types from one table: meaning, name in a registry, name in RFC 4514 text (the table in
/// section 3) and the content of the object identifier in DER.
macro_rules! attribute_types {
    ($($(#[$meaning:meta])* $variant:ident $name:literal $short_name:expr, $oid:expr;)*) => {
        /// An attribute type (RFC 4519, X.520).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum AttributeType {
            $($(#[$meaning])* $variant,)*
        }

        impl AttributeType {
            /// All types, in a fixed order.
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$variant),*];

            /// The names of all types in a registry, in the order of [`Self::ALL`].
            pub const NAMES: [&'static str; Self::ALL.len()] = [$($name),*];

            /// The type's name in a registry.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// The type's name in RFC 4514 text, if it has one there.
            pub(super) fn short_name(self) -> Option<&'static str> {
                match self {
                    $(Self::$variant => $short_name,)*
                }
            }

            /// The type with this object identifier: the content of its DER form.
            pub(super) fn from_oid(oid: &[u8]) -> Option<Self> {
                $(if oid == $oid { return Some(Self::$variant) })*
                None
            }
        }
    };
}

attribute_types! {
    /// The subject's name.
    CommonName "common_name" Some("CN"), b"\x55\x04\x03";
    /// The organization.
    Organization "organization" Some("O"), b"\x55\x04\x0a";
    /// The organizational unit.
    OrganizationalUnit "organizational_unit" Some("OU"), b"\x55\x04\x0b";
    /// The country, in two letters.
    Country "country" Some("C"), b"\x55\x04\x06";
    /// The state or province.
    StateOrProvince "state_or_province" Some("ST"), b"\x55\x04\x08";
    /// The locality.
    Locality "locality" Some("L"), b"\x55\x04\x07";
    /// The street address.
    StreetAddress "street_address" Some("STREET"), b"\x55\x04\x09";
    /// The serial number that the issuer has assigned to the subject; not the certificate's serial number.
    SerialNumber "serial_number" None, b"\x55\x04\x05";
    /// The domain component: a label of a domain name, the last label first.
    DomainComponent "domain_component" Some("DC"), b"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19";
    /// The user identifier.
    UserId "user_id" Some("UID"), b"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01";
    /// The e-mail address (PKCS #9).
    EmailAddress "email_address" None, b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01";
    /// The title.
    Title "title" None, b"\x55\x04\x0c";
    /// The given name.
    GivenName "given_name" None, b"\x55\x04\x2a";
    /// The surname.
    Surname "surname" None, b"\x55\x04\x04";
    /// The organization identifier (ETSI EN 319 412-1).
    OrganizationIdentifier "organization_identifier" None, b"\x55\x04\x61";
}

impl AttributeType {
    /// The type with this name in a registry.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|attribute| attribute.as_str() == name)
    }

    /// The index of the type in [`Self::ALL`].
    pub fn place(self) -> usize {
        Self::ALL.iter().position(|attribute| *attribute == self).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_types_and_back() {
        for (place, attribute) in AttributeType::ALL.into_iter().enumerate() {
            assert_eq!(AttributeType::from_name(attribute.as_str()), Some(attribute));
            assert_eq!(AttributeType::NAMES[place], attribute.as_str());
            assert_eq!(attribute.place(), place);
        }
        for name in ["", "CN", "commonName", "common-name", "Common_Name", "common_name "] {
            assert_eq!(AttributeType::from_name(name), None, "{name}");
        }
    }
}
