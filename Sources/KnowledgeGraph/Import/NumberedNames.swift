import Foundation
import LabCore

/// Names that a file gives ids, in whatever order.
struct NumberedNames {
  private var names = NameTable()
  private var ids: [Int] = []
  private var lines: [Int] = []

  /// Adds a name; throws `LineFault` for what can be no name.
  mutating func add(
    _ name: ArraySlice<UInt8>, id: Int, _ part: TripleCollector.Part, line: Int
  ) throws {
    try TripleCollector.check(name, part)
    names.append(name)
    ids.append(id)
    lines.append(line)
  }

  /// Where in the file each id is, in order of id.
  ///
  /// Throws `LabError` with file and line unless the ids are 0 to one less than their number, each
  /// once.
  func order(_ url: URL) throws -> [Int] {
    var places = [Int](repeating: -1, count: ids.count)
    for (place, id) in ids.enumerated() {
      guard ids.indices.contains(id) else {
        throw LabError(
          "\(url.relativePath):\(lines[place]): the id \(id) is too large: there are \(ids.count) names, "
            + "so that ids are 0 to \(ids.count - 1)")
      }
      guard places[id] < 0 else {
        throw LabError(
          "\(url.relativePath):\(lines[place]): the id \(id) was given in line \(lines[places[id]]) too; "
            + "give each id to one name")
      }
      places[id] = place
    }
    return places
  }

  /// The names in order of id; throws as `order` does.
  ///
  /// With `isUnique` a name may have one id only, and can be found by name.
  func table(_ url: URL, isUnique: Bool = false) throws -> NameTable {
    let order = try order(url)
    var table = NameTable()
    for place in order {
      guard isUnique else {
        table.append(names[place])
        continue
      }
      guard let (_, isNew) = table.insert(names[place]), isNew else {
        throw LabError(
          "\(url.relativePath):\(lines[place]): the name '\(names.text(place))' has two ids; give each "
            + "name one, or remove this file")
      }
    }
    return table
  }
}
