/// A file in which another platform keeps how a project is built and run: where it lies, and what each of its keys comes to here. Its name
/// tells how it is written. Data only; `PlatformReader` reads them all.
struct PlatformFile: Sendable {
    indirect enum Meaning: Sendable {
        case setting(PlatformSetting.Slot)
        /// A setting in the first of a list of tables, below this key.
        case first(String, PlatformSetting.Slot)
        /// Variables and their values: a table, or a list of tables with `key` and `value`.
        case variables
        /// Names of variables whose values lie elsewhere.
        case names
        /// A list of rules for redirects or headers, each taken or left by itself.
        case site(SiteList)
        case siteWord(SiteWord)
        /// A list of tables, each a service of its own: a server or a site if it has no `type` or one of these.
        case services([String: Meaning], types: Set<String>)
        /// Says nothing that a build or a server has to know.
        case silent
        /// Says nothing but for these words, and why they are not taken.
        case words([String: String])
        /// Not taken, and why.
        case left(String)
    }

    /// How people call what reads it.
    let platform: String
    /// Below the folder it speaks for; the first that is there counts.
    let paths: [String]
    /// By dotted path; `*` stands for any one name at the end of it. What is not listed is told to be unknown.
    let keys: [String: Meaning]
    /// One of these is in each such file: others have files of that name. Empty: nobody else has.
    var marks: [String] = []
}

extension PlatformFile {
    /// In the order in which they are believed: the platforms that build sites and servers from a file made for them, those that build
    /// images, the lists of processes that many read.
    static let all = [vercel, netlify, render, digitalOcean, railway, fly, railpack, nixpacks, wrangler, heroku, procfile]

    private static let unchanged = "what a build writes is served unchanged"
    private static let workers = "workers do not run here"
    private static let unscheduled = "nothing runs on a schedule"
    private static let noFunctions = "functions of this platform do not run here"
    private static let sized = "the target decides how large and how many"
    private static let system = "name them in `packages` below `[build]`, with an `image`"
    private static let docker = "write `framework = \"dockerfile\"` below `[build]` to build the Dockerfile"
    private static let unattended = "nothing runs between the build and the start"
    private static let provided = "databases and disks are not set up here"
    private static let places = "what differs between places is set with `forge env`"

    private static let vercel = PlatformFile(
        platform: "Vercel", paths: ["vercel.json", "now.json"],
        keys: [
            "buildCommand": .setting(.build), "installCommand": .setting(.install), "outputDirectory": .setting(.output),
            "framework": .setting(.framework), "env": .variables, "build.env": .variables, "$schema": .silent, "version": .silent,
            "name": .silent, "public": .silent, "github": .silent, "git": .silent, "devCommand": .silent, "regions": .silent,
            "cleanUrls": .siteWord(.cleanURLs), "ignoreCommand": .left("every commit that is asked for is built"),
            "rewrites": .site(.vercelRewrites), "redirects": .site(.vercelRedirects), "headers": .site(.vercelHeaders),
            "routes": .site(.vercelRoutes), "trailingSlash": .siteWord(.trailingSlash),
            "functions": .left(noFunctions), "crons": .left(unscheduled),
            "builds": .left("its builders are Vercel's own"), "bunVersion": .left("the project's own version files say it"),
            "images": .left(unchanged),
        ])

    private static let netlify = PlatformFile(
        platform: "Netlify", paths: ["netlify.toml"],
        keys: [
            "build.base": .setting(.root), "build.command": .setting(.build), "build.publish": .setting(.output),
            "build.environment": .variables, "build.ignore": .left("every commit that is asked for is built"),
            "build.functions": .left(noFunctions), "build.edge_functions": .left(noFunctions), "functions": .left(noFunctions),
            "edge_functions": .left(noFunctions), "build.processing": .left(unchanged),
            "context": .left(places), "dev": .silent, "template": .silent, "headers": .site(.netlifyHeaders),
            "redirects": .site(.netlifyRedirects),
            "plugins": .left("its plugins are Netlify's own"),
            "images": .left(unchanged),
        ])

    private static let render = PlatformFile(
        platform: "Render", paths: ["render.yaml"],
        keys: [
            "services": .services(
                [
                    "name": .silent, "type": .silent, "plan": .silent, "region": .silent, "branch": .silent, "repo": .silent,
                    "env": .words(["docker": docker]), "runtime": .words(["docker": docker, "image": docker]), "autoDeploy": .silent,
                    "autoDeployTrigger": .silent, "pullRequestPreviewsEnabled": .silent,
                    "previews": .silent, "buildFilter": .silent, "rootDir": .setting(.root), "buildCommand": .setting(.build),
                    "startCommand": .setting(.start), "staticPublishPath": .setting(.output), "publishPath": .setting(.output),
                    "healthCheckPath": .setting(.health), "envVars": .variables,
                    "routes": .site(.renderRoutes), "headers": .site(.renderHeaders),
                    "preDeployCommand": .left(unattended), "initialDeployHook": .left(unattended),
                    "domains": .left("a project has one host"),
                    "disk": .left(provided), "numInstances": .left(sized), "scaling": .left(sized), "dockerfilePath": .left(docker),
                    "dockerContext": .left(docker), "dockerCommand": .left(docker), "image": .left("images of others are not started"),
                ], types: ["web", "static", "static_site"]), "databases": .left(provided), "envVarGroups": .left(places),
            "previews": .silent, "version": .silent,
            "projects": .left("only `services` at the top are looked at"),
        ])

    private static let digitalOcean = PlatformFile(
        platform: "DigitalOcean", paths: [".do/app.yaml", ".do/app.yml"],
        keys: [
            "services": .services(appService, types: []), "static_sites": .services(appService, types: []), "name": .silent,
            "region": .silent,
            "features": .silent, "envs": .variables, "workers": .left("only servers and sites are run"), "jobs": .left(unattended),
            "functions": .left(noFunctions), "databases": .left(provided), "domains": .left("a project has one host"),
            "ingress": .left("a project has one host"), "alerts": .left("nobody is told"),
        ])

    private static let appService: [String: Meaning] = [
        "name": .silent, "git": .silent, "github": .silent, "gitlab": .silent, "environment_slug": .silent, "routes": .silent,
        "source_dir": .setting(.root), "build_command": .setting(.build), "run_command": .setting(.start),
        "output_dir": .setting(.output), "http_port": .setting(.port), "health_check.http_path": .setting(.health),
        "health_check.*": .silent, "envs": .variables, "catchall_document": .setting(.fallback), "index_document": .silent,
        "error_document": .siteWord(.errorPage), "dockerfile_path": .left(docker), "image": .left("images of others are not started"),
        "instance_count": .left(sized), "instance_size_slug": .left(sized), "autoscaling": .left(sized),
        "cors": .left("name its headers below `[site]`"),
        "internal_ports": .left("a server has one port"),
    ]

    private static let fly = PlatformFile(
        platform: "Fly.io", paths: ["fly.toml"],
        keys: [
            "app": .silent, "primary_region": .silent, "kill_signal": .silent, "kill_timeout": .silent, "console_command": .silent,
            "env": .variables, "processes.web": .setting(.start), "processes.app": .setting(.start),
            "processes.*": .left("only servers are run"), "http_service.internal_port": .setting(.port),
            "http_service.checks": .first("path", .health), "http_service.*": .silent, "services": .first("internal_port", .port),
            "build.dockerfile": .left(docker), "build.image": .left("images of others are not started"),
            "build.builder": .left("its builders are buildpacks"), "build.buildpacks": .left("its builders are buildpacks"),
            "build.args": .left(docker), "deploy.release_command": .left(unattended), "deploy.*": .silent, "mounts": .left(provided),
            "vm": .left(sized), "statics": .left("the server serves them"), "checks": .left("a server is asked at one path"),
            "metrics": .left("nobody asks for them"), "swap_size_mb": .left(sized), "experimental": .silent,
        ])

    /// What one of its services is built and run with; its builders have files of their own.
    private static let railway = PlatformFile(
        platform: "Railway", paths: ["railway.json", "railway.toml"],
        keys: [
            "$schema": .silent, "build.buildCommand": .setting(.build), "build.builder": .words(["DOCKERFILE": docker]),
            "build.dockerfilePath": .left(docker), "build.nixpacksPlan": .left("its builder's own file says it"), "build.*": .silent,
            "deploy.startCommand": .setting(.start), "deploy.healthcheckPath": .setting(.health),
            "deploy.preDeployCommand": .left(unattended), "deploy.cronSchedule": .left(unscheduled),
            "deploy.numReplicas": .left(sized), "deploy.multiRegionConfig": .left(sized), "deploy.limitOverride": .left(sized),
            "deploy.requiredMountPath": .left(provided), "deploy.*": .silent, "environments": .left(places),
        ])

    private static let railpack = PlatformFile(
        platform: "Railpack", paths: ["railpack.json"],
        keys: [
            "$schema": .silent, "provider": .setting(.language), "steps.install.commands": .setting(.install),
            "steps.build.commands": .setting(.build), "steps.*": .left("only the steps `install` and `build` are known"),
            "deploy.startCommand": .setting(.start), "deploy.variables": .variables, "deploy.aptPackages": .left(system),
            "deploy.*": .left("the artifact holds what the preset says"), "buildAptPackages": .left(system),
            "packages.node": .setting(.node), "packages.python": .setting(.python),
            "packages.*": .left("the project's own version files say it"), "caches": .left("name them in `caches` below `[build]`"),
            "secrets": .names,
        ])

    private static let nixpacks = PlatformFile(
        platform: "Nixpacks", paths: ["nixpacks.toml", "nixpacks.json"],
        keys: [
            "providers": .setting(.language), "phases.install.cmds": .setting(.install), "phases.build.cmds": .setting(.build),
            "phases.setup.nixPkgs": .left(system), "phases.setup.aptPkgs": .left(system), "phases.setup.nixLibs": .left(system),
            "phases.install.dependsOn": .silent, "phases.build.dependsOn": .silent,
            "phases.*": .left("only the phases `install` and `build` are known"), "start.cmd": .setting(.start),
            "start.*": .left("a server runs as nobody in a sandbox"), "variables": .variables, "staticAssets": .left("they are its own"),
        ])

    private static let wrangler = PlatformFile(
        platform: "Cloudflare", paths: ["wrangler.toml", "wrangler.json", "wrangler.jsonc"],
        keys: [
            "$schema": .silent, "name": .silent, "account_id": .silent, "compatibility_date": .silent, "compatibility_flags": .silent,
            "workers_dev": .silent, "send_metrics": .silent, "dev": .silent, "upload_source_maps": .silent,
            "build.command": .setting(.build), "build.*": .silent, "pages_build_output_dir": .setting(.output),
            "assets.directory": .setting(.output), "assets.not_found_handling": .setting(.fallback),
            "assets.html_handling": .siteWord(.htmlHandling), "assets.*": .left(workers), "site.bucket": .setting(.output),
            "site.*": .silent, "vars": .variables,
            "main": .left(workers), "triggers": .left(unscheduled), "env": .left(places),
            "routes": .left("a project has one host"), "route": .left("a project has one host"), "kv_namespaces": .left(provided),
            "d1_databases": .left(provided), "r2_buckets": .left(provided), "durable_objects": .left(provided),
        ])

    private static let heroku = PlatformFile(
        platform: "Heroku", paths: ["app.json"],
        keys: [
            "name": .silent, "description": .silent, "keywords": .silent, "website": .silent, "repository": .silent, "logo": .silent,
            "success_url": .silent, "stack": .silent, "$schema": .silent, "env": .variables,
            "buildpacks": .left("presets take their place"), "scripts": .left(unattended), "addons": .left(provided),
            "formation": .left(sized), "environments": .left(places), "image": .silent,
        ], marks: ["buildpacks", "formation", "addons", "env", "scripts", "stack", "environments", "success_url"])

    private static let procfile = PlatformFile(
        platform: "Procfile", paths: ["Procfile"],
        keys: ["web": .setting(.start), "release": .left(unattended), "*": .left("only `web` is started")])
}
