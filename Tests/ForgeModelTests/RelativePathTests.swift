import Foundation
import ForgeModel
import Testing

@Test(arguments: [
    ("", ""), (".", ""), ("./", ""), ("a", "a"), ("./a//b/", "a/b"), ("a/./b", "a/b"), ("...", "..."), ("..a/b..", "..a/b.."),
    (" ", " "), ("a\\b", "a\\b"), ("~/x", "~/x"), ("C:/x", "C:/x"), ("-rf", "-rf"), ("$(id)", "$(id)"), ("a\nb", "a\nb"),
    ("\u{2024}\u{2024}/x", "\u{2024}\u{2024}/x"), (".\u{301}./x", ".\u{301}./x"),
])
func aPathInsideIsNormalised(text: String, expected: String) throws {
    #expect(try RelativePath(parsing: text).string == expected)
}

@Test(arguments: ["/", "/etc/passwd", "//a", "/.", "/.."])
func anAbsolutePathIsRefused(text: String) {
    #expect(throws: RelativePathError.absolute(text)) { try RelativePath(parsing: text) }
}

@Test(arguments: ["..", "../", "../..", "a/..", "a/../b", "a/b/../../..", "./..", "a//..//b", "..//a"])
func aPathThatClimbsIsRefusedEvenWhenItEndsInside(text: String) {
    #expect(throws: RelativePathError.climbs(text)) { try RelativePath(parsing: text) }
}

@Test(arguments: ["\0", "a\0", "a/\0/b", "..\0"])
func aNULIsRefused(text: String) {
    #expect(throws: RelativePathError.nul(text)) { try RelativePath(parsing: text) }
}

@Test func pathsAreTakenApartAndPutTogether() throws {
    let path = try RelativePath(parsing: "a/b/c")
    #expect(path.name == "c" && path.parent.string == "a/b" && path.components == ["a", "b", "c"])
    #expect(RelativePath.root.isRoot && RelativePath.root.display == "." && RelativePath.root.string.isEmpty)
    #expect(RelativePath.root.parent == .root && RelativePath.root.name.isEmpty)
    #expect(path.parent.appending(component: "c") == path)
    #expect(try RelativePath(parsing: "a").appending(RelativePath(parsing: "b/c")) == path)
}

@Test func beingWithinIsAboutComponentsNotLetters() throws {
    let folder = try RelativePath(parsing: "app")
    #expect(try RelativePath(parsing: "app/x").isWithin(folder))
    #expect(folder.isWithin(folder) && folder.isWithin(.root))
    #expect(try !RelativePath(parsing: "apple/x").isWithin(folder))
    #expect(try RelativePath(parsing: "app/x/y").relative(to: folder)?.string == "x/y")
    #expect(try RelativePath(parsing: "apple").relative(to: folder) == nil)
}

@Test func pathsSortByTheirBytes() throws {
    let paths = try ["b", "a/b", "a-b", "é", "Z"].map { try RelativePath(parsing: $0) }
    #expect(paths.sorted().map(\.string) == ["Z", "a-b", "a/b", "b", "é"])
}

@Test func aSavedPathIsCheckedWhenItComesBack() throws {
    let path = try RelativePath(parsing: "a/b")
    #expect(try JSONDecoder().decode([RelativePath].self, from: JSONEncoder().encode([path])) == [path])
    #expect(throws: RelativePathError.climbs("../x")) { try JSONDecoder().decode([RelativePath].self, from: Data(#"["../x"]"#.utf8)) }
}
