#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| pxe_image::fuzz::image(data));
