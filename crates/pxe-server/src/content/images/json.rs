//! The list of images as programs read it.

use serde_json::{Value, json};

use super::{Catalogue, ImageInfo, State};

impl Catalogue {
    /// `{"images": [{"name", "size", "state", "label", "files", "error"}, …], "truncated"}`.
    pub(crate) fn to_json(&self) -> String {
        let images: Vec<Value> = self.images.iter().map(|(name, info)| image(name, info)).collect();
        let mut text = json!({ "images": images, "truncated": self.truncated }).to_string();
        text.push('\n');
        text
    }
}

fn image(name: &str, info: &ImageInfo) -> Value {
    let mut value = json!({ "name": name, "size": info.size });
    match &info.state {
        State::Arriving => value["state"] = "arriving".into(),
        State::Ready { label, has_files } => {
            value["state"] = "ready".into();
            value["label"] = label.as_str().into();
            value["files"] = (*has_files).into();
        }
        State::Broken(error) => {
            value["state"] = "broken".into();
            value["error"] = error.as_str().into();
        }
    }
    value
}
