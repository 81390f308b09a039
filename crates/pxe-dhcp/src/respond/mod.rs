//! The proxyDHCP responder: a sans-IO state machine above the codec.
