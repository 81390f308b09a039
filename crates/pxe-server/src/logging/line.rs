//! A line for programs, and what lines have besides their message.

use log::Record;
use log::kv::{Error, Key, Value, VisitSource};
use serde_json::{Map, Value as Json};

/// The fields of a line, in order.
#[derive(Default)]
pub(super) struct Fields(pub(super) Vec<(String, String)>);

impl Fields {
    pub(super) fn of(record: &Record<'_>) -> Self {
        let mut fields = Self::default();
        // Collecting fails never.
        let _ = record.key_values().visit(&mut fields);
        fields
    }
}

impl<'v> VisitSource<'v> for Fields {
    fn visit_pair(&mut self, key: Key<'v>, value: Value<'v>) -> Result<(), Error> {
        self.0.push((key.as_str().to_owned(), value.to_string()));
        Ok(())
    }
}

/// One object, without a line break in it.
pub(super) fn json(record: &Record<'_>, time: &str) -> String {
    let mut object = Map::new();
    let mut put = |name: &str, value: String| object.insert(name.to_owned(), Json::String(value));
    put("time", time.to_owned());
    put("level", record.level().as_str().to_lowercase());
    put("message", record.args().to_string());
    for (name, value) in Fields::of(record).0 {
        put(&name, value);
    }
    Json::Object(object).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_object_whatever_is_in_it() {
        let fields = [("mac", "52:54:00:aa:00:01"), ("file", "a\"b\nc")];
        let line = json(
            &Record::builder()
                .level(log::Level::Warn)
                .key_values(&fields)
                .args(format_args!("failed a\nb"))
                .build(),
            "2026-01-02T03:04:05.006Z",
        );
        assert!(!line.contains('\n'), "{line}");
        let read: Json = serde_json::from_str(&line).expect("JSON");
        assert_eq!(read["time"], "2026-01-02T03:04:05.006Z");
        assert_eq!((&read["level"], &read["message"]), (&"warn".into(), &"failed a\nb".into()));
        assert_eq!((&read["mac"], &read["file"]), (&fields[0].1.into(), &fields[1].1.into()));
    }
}
