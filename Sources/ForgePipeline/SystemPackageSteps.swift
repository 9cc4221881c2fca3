internal import ForgeModel
internal import ForgeToolchains

/// The two steps that lay packages of the system's distribution over it, with the system's own apt.
///
/// The first finds out which packages it takes beside those that are installed, and fetches them: apt holds them against its signed
/// indexes. What it yields are files whose bytes are the second's key: the same packages are unpacked once, whenever and wherever they
/// were fetched. Scripts of packages are not run: they would change a system that is read-only and nobody's; so there are no services,
/// users or alternatives, and the libraries' cache stays as it was (what a package brings lies in the folders the loader looks at anyway).
enum SystemPackageSteps {
    /// Of the second step, below its outputs.
    static let root = "packages/root"
    static let list = "packages/list"

    /// - Parameter locked: what is to be taken, each at exactly that version; nil for what is found now.
    static func plan(_ packages: [String], locked: LockedSystem?, preset: PresetReference, ofHost: Bool) -> BuildPlan {
        let fetch = Step(
            id: "packages:fetch", title: "Fetch system packages", needs: [],
            command: ["/bin/sh", "-euc", fetchScript(packages, locked, ofHost: ofHost)],
            environment: [:], inputs: ["apt/**", "dpkg/**"], outputs: [path("debs")], caches: [], network: .registries, limits: .standard)
        let unpack = Step(
            id: "packages", title: "Unpack system packages", needs: [fetch.id], command: ["/bin/sh", "-euc", unpackScript],
            environment: [:],
            inputs: ["no-file"], outputs: [path("packages")], caches: [], network: .none, limits: .standard)
        return BuildPlan(
            preset: preset, root: .root, steps: [fetch, unpack],
            artifact: ArtifactSpec(kind: .static, output: path("packages"), launch: nil, routes: []), toolchains: [:], warnings: [])
    }

    private static func path(_ text: String) -> RelativePath { RelativePath.root.appending(component: text) }

    /// The machine's configuration comes as files of the step; an image's lies where apt looks for it.
    private static func fetchScript(_ packages: [String], _ locked: LockedSystem?, ofHost: Bool) -> String {
        let own = ofHost ? "Dir::Etc \"$PWD/apt\";\nDir::State::status \"$PWD/dpkg/status\";\nDir::Etc::Parts \"$work/none\";\n" : ""
        return """
            command -v apt-get >/dev/null || { echo "this system has no apt: packages cannot be added to it" >&2; exit 3; }
            work=/tmp/apt
            mkdir -p $work/none $work/lists/partial $work/cache/archives/partial debs
            cat >$work/apt.conf <<END
            \(own)Dir::State "$work";
            Dir::State::lists "$work/lists";
            Dir::State::extended_states "$work/extended_states";
            Dir::Cache "$work/cache";
            Dir::Log "$work";
            Debug::NoLocking "1";
            Acquire::Languages "none";
            Acquire::Retries "3";
            Acquire::AllowInsecureRepositories "0";
            APT::Get::AllowUnauthenticated "0";
            APT::Install-Recommends "0";
            APT::Sandbox::Seccomp "0";
            Binary::apt-get::APT::Keep-Downloaded-Packages "1";
            APT::Keep-Downloaded-Packages "1";
            END
            [ ! -e /etc/ssl/operator.pem ] || echo 'Acquire::https::CaInfo "/etc/ssl/operator.pem";' >>$work/apt.conf
            \(ofHost ? "" : "[ -e /var/lib/dpkg/status ] && echo 'Dir::State::status \"/var/lib/dpkg/status\";' >>$work/apt.conf")
            export APT_CONFIG=$work/apt.conf
            # A source that does not answer need not be the one that has the packages.
            apt-get -q update || echo "some sources did not answer" >&2
            \(install(packages, locked))
            for deb in $work/cache/archives/*.deb; do [ ! -e "$deb" ] || cp "$deb" debs/; done

            """
    }

    /// Locked ones are fetched also where the machine has them or newer ones: what a build gets is the same on all machines.
    private static func install(_ packages: [String], _ locked: LockedSystem?) -> String {
        let command = "apt-get -q -y --no-install-recommends --download-only"
        guard let locked, !locked.files.isEmpty else { return "\(command) install \(packages.joined(separator: " "))" }
        let exact = locked.files.map { "\($0.name)\($0.architecture == "all" ? "" : ":\($0.architecture)")=\($0.version)" }
        // What sources have is told in lines of `name | version | source`; neither name nor version has a `=`.
        let known = Set(locked.files.map(\.name))
        let others = packages.filter { !known.contains(String($0.prefix { $0 != ":" })) }
        return """
            gone=0
            for package in \(exact.joined(separator: " ")); do
                apt-cache madison "${package%%=*}" | grep -qF " ${package#*=} | " || { echo "\(goneMark)$package" >&2; gone=1; }
            done
            [ $gone = 0 ] || exit 4
            \(command) --reinstall --allow-downgrades install \((exact + others).joined(separator: " "))
            """
    }

    private static let goneMark = "no source has the locked "

    /// The locked packages that a log of the first step says are not to be had.
    static func gone(in log: String) -> [String] {
        log.split(separator: "\n").filter { $0.hasPrefix(goneMark) }.map { String($0.dropFirst(goneMark.count)) }
    }

    /// The links that a merged /usr has stay links, so that a package's `/lib` goes where the system's own does.
    private static let unpackScript = """
        mkdir -p packages/root
        for name in bin sbin lib lib32 lib64 libx32; do
            [ -L /$name ] || continue
            mkdir -p "packages/root/$(readlink /$name)"
            ln -s "$(readlink /$name)" packages/root/$name
        done
        : >packages/list
        for deb in debs/*.deb; do
            [ -e "$deb" ] || continue
            dpkg-deb -W --showformat='${Package} ${Version} ${Architecture}' "$deb" >>packages/list
            echo " $(sha256sum "$deb" | cut -d' ' -f1) $(stat -c %s "$deb")" >>packages/list
            dpkg-deb --fsys-tarfile "$deb" >/tmp/files.tar
            tar -x --keep-directory-symlink --no-same-owner --no-same-permissions -f /tmp/files.tar -C packages/root
        done
        for name in bin sbin lib lib32 lib64 libx32; do [ ! -L packages/root/$name ] || rm packages/root/$name; done
        chmod -R u+rwX packages/root

        """

    /// What the list says.
    static func packages(_ text: String) -> [SystemPackage] {
        text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ").map(String.init)
            guard words.count == 5, let size = Int64(words[4]), let file = try? Digest(hex: words[3], sizeBytes: size) else { return nil }
            return SystemPackage(name: words[0], version: words[1], architecture: words[2], file: file)
        }
    }
}
