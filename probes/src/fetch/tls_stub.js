// deno's HTTP client options ask for this module. Scripts have no such client, and no client certificates.
(function () {
  return {
    loadTlsKeyPair() {
      throw new TypeError("client certificates are not available to checks");
    },
  };
})();
