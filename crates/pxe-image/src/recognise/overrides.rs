//! What a user says of one image, in a TOML file beside it: other titles, command lines, kernels, and rules of its own.

use super::fault::RuleFaults;
use super::parse::{is_id, rules, source};
use super::recognition::Recognition;
use super::rule::{Rule, Source};
use super::table::{Table, read};
use super::template::Template;
use crate::entry::{BootEntry, How, Initrd, Piece, Platforms};
use crate::limits::ENTRIES_MAX;

/// The content of such a file.
#[derive(Debug, Default)]
pub struct Overrides {
    pub(super) rules: Vec<Rule>,
    edits: Vec<EntryEdit>,
    title: Option<String>,
}

/// Changes of one entry.
#[derive(Debug)]
struct EntryEdit {
    id: String,
    remove: bool,
    title: Option<String>,
    cmdline: Option<String>,
    append: Option<String>,
    kernel: Option<Piece>,
    initrds: Vec<Piece>,
}

impl Overrides {
    /// Reads the file's text.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, RuleFaults> {
        read(text, |table| {
            let mut edits = Vec::new();
            if let Some(entries) = table.table("entry") {
                let named = entries.named_tables();
                if named.len() > ENTRIES_MAX {
                    entries.fault(entries.line, "", format!("there may be {ENTRIES_MAX} at most"));
                }
                let named = named.into_iter().take(ENTRIES_MAX);
                edits = named.map(|((id, line), table)| edit(&table, id, line)).collect();
            }
            Self { rules: rules(table), edits, title: table.text("title").map(|(text, _)| text) }
        })
    }

    /// Changes what was recognised.
    pub(super) fn apply(&self, to: &mut Recognition) {
        if let Some(title) = &self.title {
            title.clone_into(&mut to.title);
        }
        for edit in &self.edits {
            if edit.remove {
                to.entries.retain(|entry| entry.id != edit.id);
                continue;
            }
            let full = to.entries.len() >= ENTRIES_MAX;
            let entry = to.entries.iter_mut().find(|entry| entry.id == edit.id);
            match (entry, &edit.kernel) {
                (Some(entry), _) => edit.apply(entry),
                (None, Some(_)) if full => {}
                (None, Some(kernel)) => {
                    let mut entry = edit.new_entry(kernel, to);
                    edit.apply(&mut entry);
                    to.entries.push(entry);
                }
                (None, None) => {
                    let ids: Vec<&str> = to.entries.iter().map(|entry| entry.id.as_str()).collect();
                    to.warnings.push(format!(
                        "the file beside the image changes an entry {:?}, which it does not have (it has: {}); \
                         with a `kernel` it would be a new one",
                        edit.id,
                        ids.join(", ")
                    ));
                }
            }
        }
    }
}

impl EntryEdit {
    fn new_entry(&self, kernel: &Piece, image: &Recognition) -> BootEntry {
        BootEntry {
            id: self.id.clone(),
            title: format!("{}: {}", image.title, self.id),
            cpus: image.cpus.clone(),
            platforms: Platforms::ANY,
            memory_mib: None,
            how: How::Linux { kernel: kernel.clone(), initrds: Vec::new(), cmdline: String::new() },
            note: String::new(),
        }
    }

    fn apply(&self, entry: &mut BootEntry) {
        if let Some(title) = &self.title {
            title.clone_into(&mut entry.title);
        }
        match &mut entry.how {
            How::Linux { kernel, initrds, cmdline } => {
                if let Some(own) = &self.kernel {
                    own.clone_into(kernel);
                }
                if !self.initrds.is_empty() {
                    let own = self.initrds.iter().cloned();
                    *initrds = own.map(Initrd::new).collect();
                }
                self.words(cmdline);
            }
            How::Chain { program, arguments } => {
                if let Some(own) = &self.kernel {
                    own.clone_into(program);
                }
                self.words(arguments);
            }
            How::Wimboot { wim, .. } => {
                if let Some(own) = &self.kernel {
                    own.clone_into(wim);
                }
            }
            How::Disk { .. } => {}
        }
    }

    fn words(&self, words: &mut String) {
        if let Some(own) = &self.cmdline {
            own.clone_into(words);
        }
        if let Some(more) = &self.append {
            // What stands behind `---` or `--` is the installed system's too, which is what people mean.
            if !words.is_empty() {
                words.push(' ');
            }
            words.push_str(more);
        }
    }
}

fn edit(table: &Table<'_, '_>, id: String, line: usize) -> EntryEdit {
    if !is_id(&id) {
        table.fault(line, "", "expected lower-case letters, digits and hyphens");
    }
    let edit = EntryEdit {
        id,
        remove: table.boolean("remove").unwrap_or(false),
        title: table.text("title").map(|(text, _)| text),
        cmdline: words(table, "cmdline"),
        append: words(table, "append"),
        kernel: pieces(table, "kernel").into_iter().next(),
        initrds: pieces(table, "initrd"),
    };
    table.finish();
    edit
}

/// A text in which only the menu's placeholders may stand.
fn words(table: &Table<'_, '_>, name: &'static str) -> Option<String> {
    let (text, line) = table.text(name)?;
    match Template::parse(&text) {
        Ok(template) => {
            for unknown in template.names() {
                table.fault(line, name, format!("nothing gives {{{unknown}}} a value"));
            }
        }
        Err(problem) => table.fault(line, name, problem),
    }
    Some(text)
}

fn pieces(table: &Table<'_, '_>, name: &'static str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (text, line) in table.texts(name) {
        match source(&text) {
            Ok(Source::Inside(pattern)) => match text.contains(['*', '{']) {
                true => table.fault(line, name, "here it must be one path, without `*` or `{…}`"),
                false => pieces.push(Piece::Inside(pattern.text.trim_matches('/').to_owned())),
            },
            Ok(Source::Root(_)) => {
                pieces.push(Piece::Root(text.trim_start_matches("root:").to_owned()));
            }
            Ok(Source::Url(_)) => pieces.push(Piece::Url(text)),
            Ok(Source::Whole) => pieces.push(Piece::Whole),
            Err(problem) => table.fault(line, name, problem),
        }
    }
    pieces
}
