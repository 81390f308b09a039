//! Our own list, as JSON.

use serde_json::{Map, Value};

use super::Found;
use super::fault::ImportFaultKind;
use super::list::{self, NAMES};
use crate::record::LeaseRecord;

pub(super) fn write<'r>(records: impl IntoIterator<Item = &'r LeaseRecord>) -> String {
    let objects = records.into_iter().map(|record| {
        let fields = NAMES.iter().zip(list::values(record)).map(|(name, text)| {
            let value = match *name {
                "netboot" => Value::Bool(record.netboot),
                "granted" => time(record.granted.0),
                "expires" => time(record.expires.0),
                _ if text.is_empty() => Value::Null,
                _ => Value::String(text),
            };
            ((*name).to_owned(), value)
        });
        Value::Object(fields.collect::<Map<_, _>>())
    });
    let mut text = String::from("[");
    for (index, object) in objects.enumerate() {
        // One lease on a line, so that lists can be compared.
        text.push_str(if index == 0 { "\n" } else { ",\n" });
        text.push_str(&object.to_string());
    }
    text.push_str("\n]\n");
    text
}

/// Never is null.
fn time(seconds: u64) -> Value {
    if seconds == u64::MAX { Value::Null } else { Value::from(seconds) }
}

pub(super) fn read(text: &[u8], found: &mut Found) {
    let values: Vec<Value> = match serde_json::from_slice(text) {
        Ok(values) => values,
        Err(error) => {
            let shape = format!("it is no JSON array of leases: {error}");
            return found.fault(error.line(), ImportFaultKind::Shape(shape));
        }
    };
    for (index, value) in values.iter().enumerate() {
        let number = index.saturating_add(1);
        let Value::Object(fields) = value else {
            let shape = format!("entry {number} is no object");
            found.fault(0, ImportFaultKind::Shape(shape));
            continue;
        };
        let text = |name: &str| match fields.get(name) {
            None => None,
            Some(Value::Null) if name == "expires" => Some("never".to_owned()),
            Some(Value::Null) => Some(String::new()),
            Some(Value::String(text)) => Some(text.clone()),
            Some(other) => Some(other.to_string()),
        };
        let texts: Vec<_> = NAMES.iter().map(|name| text(name)).collect();
        let known = |name: &str| {
            let index = NAMES.iter().position(|known| *known == name)?;
            texts.get(index)?.as_deref()
        };
        match list::record(known) {
            Ok(record) => found.add(0, Ok(record)),
            Err(kind) => {
                found.fault(0, ImportFaultKind::Shape(format!("entry {number}: {kind}")));
            }
        }
    }
}
