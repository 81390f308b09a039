//! Bodies of the fuzz targets: each takes any bytes and asserts what must hold for all of them.
