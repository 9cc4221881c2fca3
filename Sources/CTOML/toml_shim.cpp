int forge_toml_placeholder;
