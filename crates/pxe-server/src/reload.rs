//! What a running server takes over of a new configuration, and what it cannot.

use crate::config::Config;

/// Sets back what sockets, threads and files were made from; the keys that differ.
pub fn keep_what_is_bound(old: &Config, new: &mut Config) -> Vec<&'static str> {
    let mut kept = Vec::new();
    let mut keep = |key, differs: bool| {
        if differs {
            kept.push(key);
        }
    };
    keep("root", old.root != new.root);
    keep("images", old.images != new.images);
    keep("state", old.state != new.state);
    keep("advertise", old.advertise != new.advertise);
    keep("dhcp.mode", old.dhcp.mode != new.dhcp.mode);
    keep("dhcp.port", old.dhcp.port != new.dhcp.port);
    keep("dhcp.boot_port", old.dhcp.boot_port != new.dhcp.boot_port);
    keep("dhcp.proxy_style", old.dhcp.proxy_style != new.dhcp.proxy_style);
    let (was, is) = (&old.dhcp.addresses, &new.dhcp.addresses);
    keep("dhcp.store", was.store != is.store);
    let trusts = was.trust_snooped_relay_information != is.trust_snooped_relay_information;
    keep("dhcp.trust_snooped_relay_information", trusts);
    // It is asked for where the server begins to answer.
    keep("dhcp.ignore_other_servers", was.ignore_other_servers != is.ignore_other_servers);
    // Rewriting and folders are the policy's, and change with it.
    let bound = |config: &Config| {
        let mut tftp = config.tftp.clone();
        tftp.rewrites.clear();
        tftp.folder_by = None;
        format!("{tftp:?}")
    };
    keep("tftp", bound(old) != bound(new));
    keep("http", format!("{:?}", old.http) != format!("{:?}", new.http));
    keep("boot_api", old.boot_api != new.boot_api);
    keep("log", old.log != new.log);
    keep("webhook", old.webhooks != new.webhooks);
    new.log.clone_from(&old.log);
    new.webhooks.clone_from(&old.webhooks);
    new.boot_api.clone_from(&old.boot_api);
    keep("admin", format!("{:?}", old.admin) != format!("{:?}", new.admin));
    new.http = old.http.clone();
    new.admin = old.admin.clone();
    new.root.clone_from(&old.root);
    new.images.clone_from(&old.images);
    new.state.clone_from(&old.state);
    new.advertise = old.advertise;
    let (rewrites, folder_by) = (new.tftp.rewrites.clone(), new.tftp.folder_by);
    new.tftp = old.tftp.clone();
    (new.tftp.rewrites, new.tftp.folder_by) = (rewrites, folder_by);
    new.dhcp.mode = old.dhcp.mode;
    new.dhcp.port = old.dhcp.port;
    new.dhcp.boot_port = old.dhcp.boot_port;
    new.dhcp.proxy_style = old.dhcp.proxy_style;
    new.dhcp.addresses.store.clone_from(&old.dhcp.addresses.store);
    new.dhcp.addresses.ignore_other_servers = old.dhcp.addresses.ignore_other_servers;
    new.dhcp.addresses.trust_snooped_relay_information =
        old.dhcp.addresses.trust_snooped_relay_information;
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_bound_stays_and_is_told() {
        let parse = |text: &str| Config::parse(text).unwrap_or_else(|faults| panic!("{faults}"));
        let old = parse("[dhcp]\nport = 6700\n[tftp]\nport = 6900\n");
        let mut new = parse(
            "root = \"other\"\nimages = \"elsewhere\"\n[dhcp]\nmode = \"off\"\nport = 6701\nignore_other_servers = true\n[tftp]\nport = 6901\n\
             [[tftp.rewrite]]\nprefix = \"a\"\nreplace = \"b\"\n[loaders]\nbios = \"x\"\n",
        );
        let kept = keep_what_is_bound(&old, &mut new);
        assert_eq!(
            kept,
            ["root", "images", "dhcp.mode", "dhcp.port", "dhcp.ignore_other_servers", "tftp"]
        );
        assert_eq!((new.dhcp.port, new.tftp.port), (6700, 6900));
        assert_eq!((new.tftp.rewrites.len(), new.loaders.len()), (1, 1), "these are taken over");
        assert!(keep_what_is_bound(&old, &mut old.clone()).is_empty());
    }
}
