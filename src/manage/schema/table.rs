//! The form of the tables: parts, their fields, and the values that fields take.

use super::text::Text;

/// A map of a configuration whose fields are known.
pub struct Part {
    /// The name of the part in the schema.
    pub id: &'static str,
    /// The title.
    pub title: &'static str,
    /// The paths of the part.
    pub place: &'static str,
    /// The meaning, in whole sentences.
    pub meaning: &'static str,
    /// The fields. Every other field is an error.
    pub fields: &'static [Field],
    /// The conditions between fields.
    pub relations: &'static [Relation],
}

/// Parts that one field tells apart.
pub struct Variants {
    /// The name of the variants in the schema.
    pub id: &'static str,
    /// The title.
    pub title: &'static str,
    /// The field that tells the parts apart.
    pub field: &'static str,
    /// The part of a map without the field, or with another value.
    pub first: &'static Part,
    /// The other parts, each with its value of the field.
    pub others: &'static [(&'static str, &'static Part)],
}

/// A field of a part.
#[derive(Clone, Copy)]
pub struct Field {
    /// The name.
    pub name: &'static str,
    /// The values that are allowed.
    pub kind: Kind,
    /// The meaning of an absent field.
    pub presence: Presence,
    /// The meaning, in whole sentences.
    pub meaning: &'static str,
    /// Examples of values, as JSON.
    pub examples: &'static [&'static str],
}

/// The values that are allowed at one place.
#[derive(Clone, Copy)]
pub enum Kind {
    /// A map with these fields.
    Part(&'static Part),
    /// A map with the fields of one of these parts.
    Variants(&'static Variants),
    /// A list.
    List {
        /// The values of the items.
        of: &'static Kind,
        /// The fewest items.
        least: u64,
        /// Whether no item may occur twice.
        unique: bool,
    },
    /// A map whose keys are free.
    Map {
        /// The keys.
        keys: &'static Text,
        /// The values.
        values: &'static Kind,
    },
    /// A map from methods to costs.
    Costs,
    /// A text of this form.
    Text(&'static Text),
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// True or false.
    Boolean,
    /// A whole number in this range.
    Integer(u64, u64),
    /// A value of any of these kinds.
    Either(&'static [Kind]),
    /// This value alone, as JSON.
    Only(&'static str),
}

/// The meaning of an absent field.
#[derive(Clone, Copy)]
pub enum Presence {
    /// The field must be present.
    Required,
    /// The field has this value, as JSON.
    Default(&'static str),
    /// The absence has a meaning that no value of the field has.
    Absent(&'static str),
}

/// A condition between the fields of a part.
#[derive(Clone, Copy)]
pub enum Relation {
    /// Exactly one of these fields is present.
    ExactlyOne(&'static [&'static str]),
    /// One field or more is present.
    NotEmpty,
    /// If one of these fields is present, the other field is present too.
    Needs(&'static [&'static str], &'static str),
    /// The fields are allowed only if the field `when` has one of these values. An absent field has its default.
    Only {
        /// The fields.
        fields: &'static [&'static str],
        /// The other field.
        when: &'static str,
        /// The values of the other field.
        values: &'static [&'static str],
    },
    /// The field is required if the field `when` has this value.
    RequiredIf {
        /// The field.
        field: &'static str,
        /// The other field.
        when: &'static str,
        /// The value of the other field.
        value: &'static str,
    },
}

impl Field {
    pub(super) const fn new(name: &'static str, kind: Kind, presence: Presence, meaning: &'static str) -> Self {
        Self { name, kind, presence, meaning, examples: &[] }
    }

    /// The field with these examples.
    pub(super) const fn such_as(self, examples: &'static [&'static str]) -> Self {
        Self { examples, ..self }
    }
}

impl Part {
    /// The field with this name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}
