// Hands the library over to the module that a script imports as `tocsin`. deno_core lets a script import a module that
// is made of such an object, and none that itself imports extension modules.
(function () {
const { internals } = __bootstrap;
return internals.tocsinLibrary;
})()
