//! The list of images as programs read it.

use std::sync::Arc;

use pxe_image::recognise::Recognition;
use serde_json::{Value, json};

use super::{Catalogue, ImageInfo, State, starts_on};

impl Catalogue {
    /// `{"images": [{"name", "size", "state", "label", "files", "error", and what was
    /// recognised: "title", "rule", "kind", "version", "cpus", "warnings", "entries", and "ram_disk": {"firmware", "memory_mib"} if firmware starts it by itself}, …], "truncated"}`.
    pub(crate) fn to_json(&self) -> String {
        let mut text = self.to_value().to_string();
        text.push('\n');
        text
    }

    /// As it is offered where files beneath the root are missing: entries that need them become warnings.
    /// Copies only what is offered otherwise than it is kept.
    pub(crate) fn leave_out_missing(self: &mut Arc<Self>, is_there: impl Fn(&str) -> bool) {
        let mut others = Vec::new();
        for (name, info) in &self.images {
            if let State::Ready { recognition: Some(known), .. } = &info.state
                && known.entries.iter().any(|entry| entry.missing(&is_there).is_some())
            {
                let mut info = Arc::clone(info);
                if let State::Ready { recognition: Some(known), .. } =
                    &mut Arc::make_mut(&mut info).state
                {
                    Arc::make_mut(known).without_missing(&is_there);
                }
                others.push((name.clone(), info));
            }
        }
        if !others.is_empty() {
            Arc::make_mut(self).images.extend(others);
        }
    }

    /// The same, not yet as text.
    pub(crate) fn to_value(&self) -> Value {
        let images: Vec<Value> = self.images.iter().map(|(name, info)| image(name, info)).collect();
        json!({ "images": images, "truncated": self.truncated })
    }
}

fn image(name: &str, info: &ImageInfo) -> Value {
    let mut value = json!({ "name": name, "size": info.size });
    match &info.state {
        State::Arriving => value["state"] = "arriving".into(),
        State::Ready { label, has_files, recognition } => {
            value["state"] = "ready".into();
            value["label"] = label.as_str().into();
            value["files"] = (*has_files).into();
            if let Some(recognition) = recognition {
                tell(name, recognition, &mut value);
            }
        }
        State::Broken(error) => {
            value["state"] = "broken".into();
            value["error"] = error.as_str().into();
        }
    }
    value
}

fn tell(name: &str, recognition: &Recognition, value: &mut Value) {
    let names = |cpus: &[pxe_image::Cpu]| cpus.iter().map(|cpu| cpu.name()).collect::<Vec<_>>();
    let entries = recognition.entries.iter().map(|entry| {
        json!({
            "id": entry.id,
            "title": entry.title,
            "cpus": names(&entry.cpus),
            "bios": entry.platforms.bios,
            "efi": entry.platforms.efi,
            "memory_mib": entry.memory_mib,
            "note": entry.note,
        })
    });
    let starts_on = starts_on(name, recognition);
    if let Some(whole) = recognition.ram_disk.as_ref().filter(|_| !starts_on.is_empty()) {
        value["ram_disk"] = json!({
            "firmware": starts_on.iter().map(|firmware| firmware.name()).collect::<Vec<_>>(),
            "memory_mib": whole.memory_mib,
        });
    }
    value["title"] = recognition.title.as_str().into();
    value["rule"] = recognition.rule.as_str().into();
    value["kind"] = recognition.kind.name().into();
    value["version"] = recognition.version.as_deref().into();
    value["cpus"] = names(&recognition.cpus).into();
    value["warnings"] = recognition.warnings.as_slice().into();
    value["entries"] = entries.collect::<Vec<_>>().into();
}
