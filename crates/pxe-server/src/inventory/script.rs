//! The iPXE script that boots what an inventory names.

use core::fmt::Write;

use super::answer::Boot;

/// Words at which iPXE ends a command (`core/exec.c`): within a command line they cannot be written.
const TERMINATORS: [&str; 2] = ["||", "&&"];

/// The script.
///
/// # Errors
/// Why the command line cannot be written in one.
pub(super) fn ipxe(boot: &Boot) -> Result<String, String> {
    let cmdline = boot.cmdline.trim();
    if cmdline.chars().any(char::is_control) {
        return Err("cmdline has more than one line".to_owned());
    }
    if let Some(word) = cmdline.split_whitespace().find(|word| TERMINATORS.contains(word)) {
        return Err(format!("cmdline has {word} in it, at which iPXE ends a command"));
    }
    let mut script =
        "#!ipxe\n# Made by pxe-server of what the inventory says of this machine.\n".to_owned();
    for line in boot.message.lines() {
        let shown: String = line.chars().filter(|letter| !letter.is_control()).collect();
        // Its terminators would make commands of what is to be shown.
        let shown: Vec<&str> =
            shown.split_whitespace().filter(|word| !TERMINATORS.contains(word)).collect();
        script.push_str(&format!("echo {}\n", shown.join(" ")));
    }
    let _ = write!(script, "kernel --name kernel {}", boot.kernel);
    for index in 0..boot.initrds.len() {
        // UEFI kernels look their initrds up by name.
        let _ = write!(script, " initrd=initrd{index}");
    }
    if !cmdline.is_empty() {
        let _ = write!(script, " {cmdline}");
    }
    script.push_str(" || goto failed\n");
    for (index, initrd) in boot.initrds.iter().enumerate() {
        let _ = writeln!(script, "initrd --name initrd{index} {initrd} || goto failed");
    }
    script.push_str(
        "boot || goto failed\n\
         :failed\n\
         echo What the inventory names could not be started; the next boot device follows in 10 seconds\n\
         sleep 10\n\
         exit 1\n",
    );
    Ok(script)
}
