use crate::script::{LIBRARY, Module, ModuleKind};
use deno_core::error::ModuleLoaderError;
use deno_core::{
    ModuleLoadOptions, ModuleLoadReferrer, ModuleLoadResponse, ModuleLoader, ModuleSource, ModuleSourceCode,
    ModuleSpecifier, ModuleType, ResolutionKind, resolve_import,
};
use deno_error::JsErrorBox;
use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Arc;

/// Serves the modules of the one bundle that this process runs, and nothing else.
#[derive(Default)]
pub(super) struct BundleLoader {
    modules: RefCell<Arc<Vec<Module>>>,
}

impl BundleLoader {
    pub fn serve(&self, modules: Arc<Vec<Module>>) {
        *self.modules.borrow_mut() = modules;
    }
}

impl ModuleLoader for BundleLoader {
    fn resolve(
        &self,
        specifier: &str,
        referrer: &str,
        _kind: ResolutionKind,
    ) -> Result<ModuleSpecifier, ModuleLoaderError> {
        if let Some(module) = LIBRARY.iter().find(|module| module.name == specifier) {
            return ModuleSpecifier::parse(module.url).map_err(JsErrorBox::from_err);
        }
        let resolved = resolve_import(specifier, referrer).ok();
        resolved
            .filter(|resolved| self.modules.borrow().iter().any(|module| module.specifier == resolved.as_str()))
            .ok_or_else(|| {
                JsErrorBox::type_error(format!(
                    "`{specifier}` cannot be imported: a check imports the library, such as `tocsin`, and the project's own files, by a literal `./path.ts`"
                ))
            })
    }

    fn load(
        &self,
        specifier: &ModuleSpecifier,
        _referrer: Option<&ModuleLoadReferrer>,
        _options: ModuleLoadOptions,
    ) -> ModuleLoadResponse {
        let modules = self.modules.borrow();
        let found = modules.iter().find(|module| module.specifier == specifier.as_str());
        ModuleLoadResponse::Sync(match found {
            Some(module) => {
                let kind = match module.kind {
                    ModuleKind::Script | ModuleKind::Function => ModuleType::JavaScript,
                    ModuleKind::Json => ModuleType::Json,
                };
                Ok(ModuleSource::new(kind, ModuleSourceCode::String(module.code.clone().into()), specifier, None))
            }
            None => Err(JsErrorBox::type_error(format!("`{specifier}` is not part of the check"))),
        })
    }

    fn get_source_map(&self, specifier: &str) -> Option<Cow<'_, [u8]>> {
        let modules = self.modules.borrow();
        let module = modules.iter().find(|module| module.specifier == specifier)?;
        Some(Cow::Owned(module.source_map.as_ref()?.clone().into_bytes()))
    }
}
