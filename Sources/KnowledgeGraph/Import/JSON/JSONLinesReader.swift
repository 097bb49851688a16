import Foundation
import LabCore

/// Reads triples that are one JSON object a line.
struct JSONLinesReader {
  /// One line's values.
  private struct Record {
    var subject: ArraySlice<UInt8> = []
    var predicate: ArraySlice<UInt8> = []
    var object: ArraySlice<UInt8> = []
    var subjectSuffix: [UInt8] = []
    var objectSuffix: [UInt8] = []
    var subjectID: Int?
    var objectID: Int?
    var attributes = TripleAttributes()
    var seen: Set<TripleKey> = []
  }

  /// Reads one file into `collector`; returns the number of its lines.
  ///
  /// A file of held-out triples (`isTrained` false) says so for the lines that have no split of
  /// their own. Throws `LabError` with file and line for what is no triple.
  func read(
    _ url: URL, isTrained: Bool, into collector: inout TripleCollector
  ) throws -> Int {
    var scanner = JSONScanner()
    return try LineReader.forEachLine(of: url) { line, number in
      try collector.read(line, number, of: url) { collector in
        var record = Record()
        record.attributes.isTrained = isTrained
        scanner.start(line)
        try scanner.forEachMember { key, value in try Self.take(key, value, into: &record) }
        try Self.finish(&record)
        let subject = try collector.entity(
          record.subject, .subject, suffix: record.subjectSuffix[...])
        let predicate = try collector.predicate(record.predicate)
        let object = try collector.entity(record.object, .object, suffix: record.objectSuffix[...])
        let attribute = collector.number(of: record.attributes)
        try collector.add(
          subject: subject, predicate: predicate, object: object, attribute: attribute)
      }
    }
  }

  private static func take(
    _ name: ArraySlice<UInt8>, _ value: JSONScanner.Value, into record: inout Record
  ) throws {
    guard let key = TripleKey.spellings.first(where: { name.elementsEqual($0.name) })?.key else {
      let text = String(decoding: name, as: UTF8.self)
      throw LineFault(
        "there is no key '\(text)'\(Suggestion.hint(for: text, in: TripleKey.allCases.map(\.rawValue)))"
          + "; remove it or correct it")
    }
    guard record.seen.insert(key).inserted else {
      throw LineFault("the \(key.rawValue) is given twice; give it once")
    }
    switch (key, value) {
    case (.subject, .string(let text)): record.subject = text
    case (.predicate, .string(let text)): record.predicate = text
    case (.object, .string(let text)): record.object = text
    case (_, .null) where ![.subject, .predicate, .object].contains(key): break
    case (.subjectType, .string(let text)): record.subjectSuffix = try type(text, key)
    case (.objectType, .string(let text)): record.objectSuffix = try type(text, key)
    case (.subjectID, .number(let number)): record.subjectID = try whole(number, key)
    case (.objectID, .number(let number)): record.objectID = try whole(number, key)
    case (.bits, .number(let number)) where number >= 0: record.attributes.bits = number
    case (.split, .string(let text)): record.attributes.isTrained = try isTrained(text)
    case (.heldOut, .string(let text)):
      record.attributes.level = try choice(text, HeldOutLevel.self, key)
    case (.exposures, .number(let number)):
      guard let value = Int32(exactly: number), exposuresRange.contains(value) else {
        throw wrong(key, exposuresWanted)
      }
      record.attributes.exposures = value
    case (.derivation, .string(let text)):
      record.attributes.derivation = try choice(text, Derivation.self, key)
    case (.noise, .string(let text)): record.attributes.noise = try choice(text, Noise.self, key)
    case (.inferable, .bool(let value)): record.attributes.isInferable = value
    case (.inferable, _): throw wrong(key, "true or false")
    case (.exposures, _): throw wrong(key, exposuresWanted)
    case (.subjectID, _), (.objectID, _): throw wrong(key, "a whole number")
    case (.bits, _): throw wrong(key, "a number that is not negative")
    default: throw wrong(key, "text")
    }
  }

  /// Makes the parts agree; throws `LineFault` where they do not.
  private static func finish(_ record: inout Record) throws {
    for key in [TripleKey.subject, .predicate, .object] where !record.seen.contains(key) {
      throw LineFault("the \(key.rawValue) is missing; give subject, predicate and object")
    }
    if record.attributes.level != nil {
      guard !record.seen.contains(.split) || !record.attributes.isTrained else {
        throw LineFault("held_out and \"split\":\"train\" contradict each other; leave out one")
      }
      record.attributes.isTrained = false
    }
    guard record.attributes.isTrained || !record.attributes.isFalse else {
      throw LineFault("a triple that is not true is held out; noise is what training text says")
    }
    record.subjectSuffix = suffix(record.subjectSuffix, record.subjectID)
    record.objectSuffix = suffix(record.objectSuffix, record.objectID)
  }

  /// What tells an entity from others of its name: type and id, as an export without either has
  /// them.
  ///
  /// So an entity without a type is the same as one of the type that it would be exported with, and
  /// ids sort as numbers.
  private static func suffix(_ type: [UInt8], _ id: Int?) -> [UInt8] {
    let type = type.elementsEqual(TripleEmitter.untyped.utf8) ? [] : type
    guard let id else { return type }
    return type + [TripleCollector.separator]
      + (0..<8).map { UInt8(truncatingIfNeeded: id >> (56 - 8 * $0)) }
  }

  /// Each is a line of training text in every epoch.
  private static let exposuresRange: ClosedRange<Int32> = 1...1_000_000
  private static let exposuresWanted = "a whole number from 1 on, and at most a million"

  private static func wrong(_ key: TripleKey, _ wanted: String) -> LineFault {
    LineFault("the \(key.rawValue) must be \(wanted)")
  }

  private static func type(_ text: ArraySlice<UInt8>, _ key: TripleKey) throws -> [UInt8] {
    guard !text.isEmpty, !text.contains(0), String(validating: text, as: UTF8.self) != nil else {
      throw wrong(key, "text that is not empty and holds no NUL")
    }
    return Array(text)
  }

  private static func whole(_ number: Double, _ key: TripleKey) throws -> Int {
    guard let value = Int(exactly: number), value >= 0 else { throw wrong(key, "a whole number") }
    return value
  }

  private static func isTrained(_ text: ArraySlice<UInt8>) throws -> Bool {
    switch String(decoding: text, as: UTF8.self) {
    case "train": return true
    case "valid", "validation", "test": return false
    case let other:
      throw LineFault(
        "there is no split '\(other)'"
          + Suggestion.hint(for: other, in: ["train", "valid", "test"]))
    }
  }

  static func choice<Value: RawRepresentable & CaseIterable>(
    _ text: ArraySlice<UInt8>, _ kind: Value.Type, _ key: TripleKey
  ) throws -> Value where Value.RawValue == String {
    let name = String(decoding: text, as: UTF8.self)
    guard let value = Value(rawValue: name) else {
      throw LineFault(
        "there is no \(key.rawValue) '\(name)'"
          + Suggestion.hint(for: name, in: Value.allCases.map(\.rawValue)))
    }
    return value
  }
}
