//! The structs of the crate with their doc comments, as they stand in the source.

use std::{collections::BTreeMap, error::Error, fs, path::Path};

use syn::{Attribute, Expr, Fields, File, Item, ItemMacro, ItemStruct, Lit, Meta};

use crate::expand::expand;

/// What is written about a struct.
pub(crate) struct Type {
    pub(crate) doc: String,
    /// By their names on the wire.
    pub(crate) fields: Vec<(String, String)>,
}

/// The structs by their paths, as `std::any::type_name` writes them.
pub(crate) type Types = BTreeMap<String, Type>;

/// What is still to be read: the items of a module, or what a macro makes there.
struct Module {
    path: String,
    items: Vec<Item>,
}

/// Reads all structs below a folder.
///
/// # Errors
/// A file that cannot be read, or says something that is not understood here.
pub(crate) fn read(folder: &Path) -> Result<Types, Box<dyn Error>> {
    let mut modules = Vec::new();
    walk(folder, "keyward_api", &mut modules)?;
    let mut macros = BTreeMap::new();
    for module in &modules {
        find_macros(&module.items, &mut macros);
    }
    let mut types = Types::new();
    while let Some(Module { path, items }) = modules.pop() {
        for item in items {
            match item {
                Item::Struct(it) => {
                    types.insert(format!("{path}::{}", it.ident), of(&it)?);
                }
                Item::Mod(it) if !is_test(&it.attrs) => {
                    if let Some((_, items)) = it.content {
                        let path = format!("{path}::{}", it.ident);
                        modules.push(Module { path, items });
                    }
                }
                Item::Macro(call) => {
                    let name = call.mac.path.segments.last();
                    let Some(defined) = name.and_then(|it| macros.get(&it.ident.to_string()))
                    else {
                        continue;
                    };
                    let made = expand(defined.clone(), call.mac.tokens)
                        .ok_or_else(|| format!("{path}: a call of a macro that is not read"))?;
                    let items = syn::parse2::<File>(made)?.items;
                    let path = path.clone();
                    modules.push(Module { path, items });
                }
                _ => {}
            }
        }
    }
    Ok(types)
}

/// Parses the files of a folder that the crate is made of.
fn walk(folder: &Path, module: &str, modules: &mut Vec<Module>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let inner = format!("{module}::{name}");
        if path.is_dir() {
            walk(&path, &inner, modules)?;
        } else if path.extension().is_some_and(|it| it == "rs") && name != "tests" {
            let items = syn::parse_file(&fs::read_to_string(&path)?)?.items;
            let path = match &*name {
                "lib" | "mod" => module.to_owned(),
                _ => inner,
            };
            modules.push(Module { path, items });
        }
    }
    Ok(())
}

/// Collects the macros that make structs.
fn find_macros(items: &[Item], macros: &mut BTreeMap<String, proc_macro2::TokenStream>) {
    for item in items {
        match item {
            Item::Macro(ItemMacro {
                ident: Some(name),
                mac,
                ..
            }) if mac.tokens.to_string().contains("pub struct") => {
                macros.insert(name.to_string(), mac.tokens.clone());
            }
            Item::Mod(it) => {
                if let Some((_, items)) = &it.content {
                    find_macros(items, macros);
                }
            }
            _ => {}
        }
    }
}

fn of(it: &ItemStruct) -> Result<Type, Box<dyn Error>> {
    let mut fields = Vec::new();
    if let Fields::Named(named) = &it.fields {
        if serde_name(&it.attrs, "rename_all").is_some() {
            return Err(format!("{}: `rename_all` is not read here", it.ident).into());
        }
        for field in &named.named {
            let name = serde_name(&field.attrs, "rename")
                .or_else(|| Some(field.ident.as_ref()?.to_string()))
                .unwrap_or_default();
            let name = name.strip_prefix("r#").unwrap_or(&name).to_owned();
            fields.push((name, doc(&field.attrs)));
        }
    }
    let doc = doc(&it.attrs);
    Ok(Type { doc, fields })
}

/// Returns the text of doc comments, line by line.
fn doc(attributes: &[Attribute]) -> String {
    let mut text = String::new();
    for attribute in attributes {
        if let Meta::NameValue(it) = &attribute.meta
            && it.path.is_ident("doc")
            && let Expr::Lit(value) = &it.value
            && let Lit::Str(line) = &value.lit
        {
            let line = line.value();
            text.push_str(line.strip_prefix(' ').unwrap_or(&line));
            text.push('\n');
        }
    }
    text
}

/// Returns what serde is told by an attribute of this name.
fn serde_name(attributes: &[Attribute], name: &str) -> Option<String> {
    let mut found = None;
    for attribute in attributes.iter().filter(|it| it.path().is_ident("serde")) {
        let _stops_where_a_value_is_not_a_text = attribute.parse_nested_meta(|it| {
            let is_wanted = it.path.is_ident(name);
            if it.input.peek(syn::Token![=]) {
                let value: Lit = it.value()?.parse()?;
                if let (true, Lit::Str(value)) = (is_wanted, value) {
                    found = Some(value.value());
                }
            }
            Ok(())
        });
    }
    found
}

fn is_test(attributes: &[Attribute]) -> bool {
    let is = |it: &Attribute| matches!(&it.meta, Meta::List(list) if list.path.is_ident("cfg") && list.tokens.to_string() == "test");
    attributes.iter().any(is)
}
