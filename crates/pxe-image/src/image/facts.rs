//! What an image says of itself.

/// What an image says of itself. Texts are on one line, without padding; empty where it says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Facts {
    /// The system that can use its first 16 sectors.
    pub system_id: String,
    /// The label.
    pub volume_id: String,
    /// The label of the set that it belongs to.
    pub volume_set_id: String,
    /// Who published it.
    pub publisher: String,
    /// Who prepared it.
    pub preparer: String,
    /// The program that made it.
    pub application: String,
    /// How long it says it is, in bytes.
    pub volume_bytes: u64,
    /// What is in it.
    pub formats: Formats,
}

/// Which formats an image has side by side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Formats {
    /// ISO 9660.
    pub iso9660: bool,
    /// Rock Ridge: long names, links.
    pub rock_ridge: bool,
    /// Joliet: names in Unicode.
    pub joliet: bool,
    /// A boot catalogue.
    pub el_torito: bool,
    /// UDF, with its revision in the form of `0x0102` for 1.02.
    pub udf: Option<u16>,
}

/// Whose names an image is read by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NamesOf {
    /// UDF.
    Udf,
    /// Rock Ridge.
    RockRidge,
    /// Joliet.
    Joliet,
    /// ISO 9660 alone: upper case.
    Iso9660,
}
