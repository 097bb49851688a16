package import GRDB

/// A cell of run.sqlite that holds what no version of kglab writes; `RunDatabase` says in which
/// file.
package struct DamagedCell: Error {
  /// The column and what is in it.
  package let description: String
}

/// Cells as values: what was altered is an error, never a trap.
extension Row {
  /// The value of a column; throws `DamagedCell` where the cell holds another type, or NULL that is
  /// none.
  package func value<Value: DatabaseValueConvertible>(
    _ column: Int, _ type: Value.Type = Value.self
  ) throws -> Value {
    let cell: DatabaseValue = self[column]
    guard let value = Value.fromDatabaseValue(cell) else { throw damage(column) }
    return value
  }

  /// The value of a column, or nil for NULL; throws `DamagedCell` where the cell holds another
  /// type.
  package func value<Value: DatabaseValueConvertible>(_ column: Int) throws -> Value? {
    let cell: DatabaseValue = self[column]
    return cell.isNull ? nil : try value(column, Value.self)
  }

  /// A number in a range; throws `DamagedCell` for any other cell.
  package func value<Value: DatabaseValueConvertible & Comparable>(
    _ column: Int, in range: ClosedRange<Value>
  ) throws -> Value {
    let value: Value = try value(column)
    guard range.contains(value) else { throw damage(column) }
    return value
  }

  /// An index from 0 and below `count`; throws `DamagedCell` for any other cell.
  package func index<Value: DatabaseValueConvertible & FixedWidthInteger>(
    _ column: Int, below count: Int
  ) throws -> Value {
    let value: Value = try value(column)
    guard value >= 0, value < count else { throw damage(column) }
    return value
  }

  /// A count of queries, answers or samples, from 0; throws `DamagedCell` for any other cell.
  package func count(_ column: Int) throws -> Int { try value(column, in: 0...Int(Int32.max)) }

  /// A logarithm of a probability in nats, which may be rounded up; throws `DamagedCell` for any
  /// other cell.
  package func logProbability(_ column: Int) throws -> Double {
    try value(column, in: -Double.infinity...1)
  }

  /// A finite number; throws `DamagedCell` for any other cell.
  package func finite(_ column: Int) throws -> Double {
    try value(column, in: -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude)
  }

  /// A probability or share, which may be rounded up; throws `DamagedCell` for any other cell.
  package func share(_ column: Int) throws -> Double { try value(column, in: 0...1.001) }

  /// The case that a cell's text names; throws `DamagedCell` for any other cell.
  package func word<Value: RawRepresentable<String>>(_ column: Int) throws -> Value {
    guard let value = Value(rawValue: try value(column)) else { throw damage(column) }
    return value
  }

  /// What is wrong with a cell.
  package func damage(_ column: Int) -> DamagedCell {
    let names = Array(columnNames)
    let cell: DatabaseValue = self[column]
    return DamagedCell(description: "\(names[column]) is \(cell.description.prefix(40))")
  }
}
