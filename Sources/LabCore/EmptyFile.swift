package import Foundation

/// Files for SQLite, which would not let the group of a shared folder write in those that it makes.
package enum EmptyFile {
  /// Makes an empty file with the permission that the umask leaves, unless there is a file of that
  /// name.
  ///
  /// Where it cannot be made, the program that opens it next says why.
  package static func create(_ url: URL) {
    let descriptor = Posix.openOrCreate(url.path)
    if descriptor >= 0 { close(descriptor) }
  }
}
