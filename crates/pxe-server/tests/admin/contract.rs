//! The OpenAPI document against the running server: what it lists is there, answers as it says, and never fails with
//! 5xx, whatever is sent. A small property test of our own; its seed is printed.

use serde_json::{Value, json};

use crate::common::Folder;
use crate::wire::{Reply, Site};

/// Requests for each operation.
const TRIES: u32 = 40;

/// xorshift64*.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % bound
    }

    fn text(&mut self) -> &'static str {
        const TEXTS: [&str; 16] = [
            "52:54:00:aa:00:01",
            "192.0.2.1",
            "",
            "x",
            "0",
            "-1",
            "18446744073709551616",
            "a/b",
            "%00",
            "%ff",
            "..%2f..%2fetc",
            "å",
            "52:54:00:aa:00:01:02",
            "ok",
            "menu",
            "delivered",
        ];
        TEXTS[self.below(TEXTS.len())]
    }

    fn value(&mut self, depth: usize) -> Value {
        const KEYS: [&str; 15] = [
            "mac", "loader", "when", "arch", "file", "deny", "boot", "url", "address", "options",
            "ipxe", "relay", "what", "once", "server",
        ];
        match self.below(if depth == 0 { 6 } else { 8 }) {
            0 => Value::Null,
            1 => json!(self.below(2) == 0),
            2 => json!(self.below(1000)),
            3 => json!(-1.5),
            4 | 5 => json!(self.text()),
            6 => (0..self.below(3)).map(|_| self.value(depth - 1)).collect(),
            _ => {
                let pairs = (0..self.below(4))
                    .map(|_| (KEYS[self.below(KEYS.len())].to_owned(), self.value(depth - 1)));
                Value::Object(pairs.collect())
            }
        }
    }
}

fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let mut list = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            list.push((path.clone(), method.to_uppercase(), operation.clone()));
        }
    }
    list
}

/// The path with something in place of its names, and perhaps a query.
fn target(path: &str, operation: &Value, random: &mut Random) -> String {
    let mut target = path.to_owned();
    let mut query = Vec::new();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let name = parameter["name"].as_str().expect("a name");
        match parameter["in"].as_str() {
            Some("path") => {
                let text = match random.text() {
                    "" => "x",
                    text => text,
                };
                target = target.replace(&format!("{{{name}}}"), &text.replace('å', "%c3%a5"));
            }
            Some("query") if random.below(2) == 0 => {
                query.push(format!("{name}={}", random.text().replace('å', "%c3%a5")));
            }
            _ => {}
        }
    }
    if query.is_empty() { target } else { format!("{target}?{}", query.join("&")) }
}

/// The schema that the document gives for this answer, if it has one of JSON.
fn schema<'d>(document: &'d Value, operation: &'d Value, status: u16) -> Option<&'d Value> {
    let content = operation["responses"][status.to_string()]["content"].as_object()?;
    let (_, known) = content.iter().find(|(kind, _)| kind.contains("json"))?;
    Some(resolve(document, &known["schema"]))
}

fn resolve<'d>(document: &'d Value, schema: &'d Value) -> &'d Value {
    match schema["$ref"].as_str() {
        Some(reference) => {
            document.pointer(reference.trim_start_matches('#')).expect("a schema of the document")
        }
        None => schema,
    }
}

/// Whether a value is of a schema, as far as this document uses schemas.
fn conforms(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    let schema = resolve(document, schema);
    for key in ["oneOf", "anyOf"] {
        if let Some(options) = schema[key].as_array() {
            return match options.iter().any(|option| conforms(document, option, value).is_ok()) {
                true => Ok(()),
                false => Err(format!("{value} is none of {key}")),
            };
        }
    }
    if let Some(words) = schema["enum"].as_array() {
        return if words.contains(value) {
            Ok(())
        } else {
            Err(format!("{value} is not in {words:?}"))
        };
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => return Ok(()),
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    if !(kinds.contains(&kind) || kind == "integer" && kinds.contains(&"number")) {
        return Err(format!("{value} is no {kinds:?}"));
    }
    if let (Some(items), Some(schema)) = (value.as_array(), schema.get("items")) {
        return items.iter().try_for_each(|item| conforms(document, schema, item));
    }
    if let (Some(object), Some(properties)) = (value.as_object(), schema["properties"].as_object())
    {
        for name in schema["required"].as_array().into_iter().flatten() {
            let name = name.as_str().expect("a name");
            if !object.contains_key(name) {
                return Err(format!("{name} is missing in {value}"));
            }
        }
        for (name, value) in object {
            let Some(schema) = properties.get(name) else {
                return Err(format!("{name} is not in the document"));
            };
            conforms(document, schema, value).map_err(|why| format!("{name}: {why}"))?;
        }
    }
    Ok(())
}

fn check(document: &Value, operation: &Value, what: &str, reply: &Reply) {
    assert!(reply.status < 500, "{what}: {reply:?}");
    let documented = operation["responses"].get(reply.status.to_string()).is_some();
    // A name with a slash in it is another path.
    let nowhere = reply.status == 404 && reply.body.contains("there is nothing here");
    assert!(documented || nowhere, "{what}: {} is not documented", reply.status);
    if reply.status >= 400 && !reply.body.is_empty() && reply.head.contains("problem+json") {
        let problem = json!({ "$ref": "#/components/schemas/Problem" });
        conforms(document, &problem, &reply.json()).unwrap_or_else(|why| panic!("{what}: {why}"));
    }
    if let Some(schema) = schema(document, operation, reply.status) {
        assert!(reply.head.contains("json"), "{what}: {}", reply.head);
        conforms(document, schema, &reply.json()).unwrap_or_else(|why| panic!("{what}: {why}"));
    }
}

#[test]
fn the_server_does_what_its_document_says() {
    let folder = Folder::new("admin-contract");
    let hosts = "[[host]]\nmac = \"52:54:00:aa:00:01\"\n[[rule]]\nfile = \"x\"\n";
    let site = Site::start(&folder, hosts);
    let document = site.get("/api/v1/openapi.json").json();
    let operations = operations(&document);
    assert!(operations.len() >= 20, "{}", operations.len());
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()) << 16 | 1);
    println!("SEED={seed}");
    let mut random = Random(seed);
    for (path, method, operation) in &operations {
        // Without end; its own test reads it.
        if path.ends_with("/events") {
            continue;
        }
        for _ in 0..TRIES {
            let target = target(path, operation, &mut random);
            let what = format!("{method} {target}");
            let reply = match operation.get("requestBody") {
                Some(_) => site.send(method, &target, &random.value(3)),
                None => site.ask(method, &target, "", ""),
            };
            check(&document, operation, &what, &reply);
        }
        // What is there for one method is not there for all.
        let other = site.ask("PATCH", path, "Content-Type: application/json\r\n", "{}");
        assert_eq!(other.status, 405, "{path}: {other:?}");
    }
    assert_eq!(site.get("/healthz").status, 200);
}

#[test]
fn strangers_are_refused_everywhere() {
    let folder = Folder::new("admin-strangers");
    let site = Site::start(&folder, "");
    crate::wire::token(&folder, "anna", "admin");
    let document = site.get("/api/v1/openapi.json").json();
    for (path, method, _) in operations(&document) {
        let path = path
            .replace("{mac}", "52:54:00:aa:00:01")
            .replace("{address}", "192.0.2.1")
            .replace("{id}", "x");
        let json = "Content-Type: application/json\r\n";
        let cross =
            site.ask(&method, &path, &format!("{json}Sec-Fetch-Site: cross-site\r\n"), "{}");
        assert!(matches!(cross.status, 401 | 403), "{method} {path}: {cross:?}");
        let rebound = site.ask(&method, &path, &format!("{json}Host: evil.example\r\n"), "{}");
        assert!(matches!(rebound.status, 401 | 403), "{method} {path}: {rebound:?}");
        if method != "GET" && path != EXPLAIN {
            assert_eq!(site.ask(&method, &path, json, "{}").status, 401, "{method} {path}");
        }
    }
}

/// Asks, and changes nothing.
const EXPLAIN: &str = "/api/v1/explain";

#[test]
fn each_operation_has_a_name_of_its_own_and_the_role_that_it_needs() {
    let folder = Folder::new("admin-roles");
    let site = Site::start(&folder, "");
    let document = site.get("/api/v1/openapi.json").json();
    let [reader, admin] = ["read", "admin"].map(|role| crate::wire::token(&folder, role, role));
    let mut names = std::collections::BTreeSet::new();
    for (path, method, operation) in operations(&document) {
        let name = operation["operationId"].as_str().expect("a name").to_owned();
        assert!(names.insert(name), "{method} {path}: {}", operation["operationId"]);
        let role = operation["security"][1]["token"][0].as_str().expect("a role");
        if path.ends_with("/events") {
            assert_eq!(role, "read");
            continue;
        }
        let path = path.replace("{mac}", "x").replace("{address}", "x").replace("{id}", "x");
        let status = |token: &str| {
            let headers =
                format!("Content-Type: application/json\r\nAuthorization: Bearer {token}\r\n");
            site.ask(&method, &path, &headers, "[").status
        };
        assert_eq!(status(&reader) == 403, role == "admin", "{method} {path} needs {role}");
        assert!(!matches!(status(&admin), 401 | 403), "{method} {path}");
    }
    assert!(names.len() > 20, "{names:?}");
}
