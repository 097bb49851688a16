/// A position axis: which column, under which words, on which scale.
package struct Axis: Hashable, Sendable {
  /// How values become positions.
  package enum Scale: Hashable, Sendable {
    case linear
    /// Logarithmic; rows whose value is not positive are counted under the figure, not drawn.
    case log
  }

  package var column: String
  package var title: String
  package var scale: Scale
  /// The range shown; nil means the data's own with a margin.
  package var domain: ClosedRange<Double>?
  /// Whether an automatic linear range reaches to zero.
  package var includesZero: Bool
  /// How tick labels are written; nil means as the column's values.
  package var format: ColumnFormat?

  package init(
    _ column: String, _ title: String, scale: Scale = .linear,
    domain: ClosedRange<Double>? = nil, includesZero: Bool = false, format: ColumnFormat? = nil
  ) {
    self.column = column
    self.title = title
    self.scale = scale
    self.domain = domain
    self.includesZero = includesZero
    self.format = format
  }
}
