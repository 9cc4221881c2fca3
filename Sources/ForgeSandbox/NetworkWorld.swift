internal import ForgeModel

/// The inside of a step that has a network: where its proxy listens and how each package manager is told.
extension SandboxWorld {
    /// Fixed, because the network namespace is the step's own.
    package static let proxyPort = 3128
    package static let proxyURL = "http://127.0.0.1:\(proxyPort)"
    /// The system's and the operator's CA certificates in one file, where the operator has some.
    package static let caBundle = "/etc/ssl/operator.pem"

    /// What a step with a network sees beside its own environment, which wins.
    package static func networkEnvironment(hasCertificates: Bool) -> [String: String] {
        !hasCertificates ? proxyEnvironment : proxyEnvironment.merging(caEnvironment) { $1 }
    }

    /// An empty NO_PROXY: a mirror on the host's loopback is reached through the proxy too, there is no other way out.
    private static let proxyEnvironment = [
        "HTTP_PROXY": proxyURL, "HTTPS_PROXY": proxyURL, "ALL_PROXY": proxyURL, "NO_PROXY": "",
        "http_proxy": proxyURL, "https_proxy": proxyURL, "all_proxy": proxyURL, "no_proxy": "",
        "JAVA_TOOL_OPTIONS": javaProxies, "NODE_USE_ENV_PROXY": "1", "YARN_HTTP_PROXY": proxyURL, "YARN_HTTPS_PROXY": proxyURL,
    ]

    /// Java knows none of these variables, and would reach a mirror on loopback by itself.
    private static let javaProxies =
        ["http", "https"].map { "-D\($0).proxyHost=127.0.0.1 -D\($0).proxyPort=\(proxyPort)" }
        .joined(separator: " ") + " -Dhttp.nonProxyHosts="

    /// Node's own variable does for Yarn, whose versions call theirs differently and refuse what they do not know.
    private static let caEnvironment = Dictionary(
        uniqueKeysWithValues: [
            "SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS", "PIP_CERT",
            "npm_config_cafile",
            "CARGO_HTTP_CAINFO", "BUNDLE_SSL_CA_CERT", "DENO_CERT",
        ].map { ($0, caBundle) })
}
