#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| pxe_dhcp::respond::fuzz::server_responder(data));
