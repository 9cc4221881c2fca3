package import ForgeModel

/// How a source says what belongs to it besides its own files. Handed in: which file says so, and in which words, is not known here.
package struct SourceDeclaration: Sendable {
    /// At the root of the source: an edit of this file, and of no other, may change what is declared.
    let file: RelativePath
    let read: @Sendable (any SourceTree) throws -> DeclaredParts

    /// - Parameter read: gives what a source's own files declare, and nothing but them decides: what came of it is remembered by commit. Is asked
    ///   only where there are submodules or LFS pointers. May block.
    package init(file: RelativePath, read: @escaping @Sendable (any SourceTree) throws -> DeclaredParts) {
        self.file = file
        self.read = read
    }
}

/// Which submodules and LFS pointers are wanted, by their paths from the root of the whole; nil where nothing is said of their kind:
/// a submodule is refused then, a pointer is left as it is and remarked on.
package struct DeclaredParts: Sendable {
    package typealias Choice = @Sendable (RelativePath) -> Bool

    let submodules: Choice?
    let lfs: Choice?

    package init(submodules: Choice?, lfs: Choice?) {
        self.submodules = submodules
        self.lfs = lfs
    }
}
