# Runs an install of production dependencies (the arguments) whose projects' own scripts may start what is installed for development alone:
# `husky`, `prisma generate`. Such a script is left out when the program is not there; a dependency's script has to succeed.
shell=$(mktemp -d)/sh
cat > "$shell" <<'END'
#!/bin/sh
sh "$@" || {
    code=$?
    case $code:$PWD in
    127:*/node_modules/*) exit 127 ;;
    127:*) echo "left out: \`$npm_lifecycle_event\` of $npm_package_name needs what is installed for development only" >&2 ;;
    *) exit $code ;;
    esac
}
END
chmod 755 "$shell"
npm_config_script_shell=$shell exec "$@"
