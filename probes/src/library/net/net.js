// The module `tocsin/net`: what lies below HTTP, for checks that look there.

export {};
