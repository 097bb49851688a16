/// A figure as a declarative value: data, marks, encodings and scales.
///
/// Two writers read it: `SVGFigure` for the page and `VegaLite` for whoever wants to restyle it.
/// Series and panels appear in the order in which their values first occur in the data;
/// numbers ascend.
package struct Figure: Hashable, Sendable {
  /// Names the anchor and the downloaded files: lower-case letters, digits and hyphens.
  package var id: String
  package var title: String
  package var caption: Prose
  /// The command that made the numbers; empty when there is none.
  package var command: String
  package var data: Records
  package var x: Axis
  package var y: Axis
  /// Which column sets the colour; also the marker when `shape` is nil.
  package var color: Channel?
  /// Which column sets the marker.
  package var shape: Channel?
  /// Which column splits the rows into panels that share both axes.
  package var panel: Channel?
  /// Drawn in this order, so the last is on top.
  package var marks: [Mark]
  package var rules: [Rule]
  /// Columns named in the tooltip.
  package var tooltip: [String]
  /// Values of the colour column drawn grey and hollow: published points shown for comparison.
  package var muted: [String]
  /// Curves fitted to the points, drawn behind them.
  package var fit: FittedCurves?

  package init(
    id: String, title: String, caption: Prose = "", command: String = "", data: Records,
    x: Axis, y: Axis, color: Channel? = nil, shape: Channel? = nil, panel: Channel? = nil,
    marks: [Mark] = [.line(), .points], rules: [Rule] = [], tooltip: [String],
    muted: [String] = [], fit: FittedCurves? = nil
  ) {
    self.id = id
    self.title = title
    self.caption = caption
    self.command = command
    self.data = data
    self.x = x
    self.y = y
    self.color = color
    self.shape = shape
    self.panel = panel
    self.marks = marks
    self.rules = rules
    self.tooltip = tooltip
    self.muted = muted
    self.fit = fit
  }
}

/// Curves through a figure's points, each with the band of its interval.
package struct FittedCurves: Hashable, Sendable {
  /// Has the columns of the figure's x, y, colour and panel, under the same names, and `lower` and
  /// `upper`, which are missing where a curve has no band.
  package var data: Records

  package init(_ data: Records) { self.data = data }
}

/// What is drawn for the rows of a figure.
package enum Mark: Hashable, Sendable {
  /// Joins rows of one group in order of x; `by` names the columns that make a group.
  ///
  /// An empty `by` means the colour column.
  case line(by: [String] = [])
  case points
  /// A bar with caps from column `low` to column `high` at each row.
  case interval(low: String, high: String)
}

/// A column that sets colour, marker or panel.
package struct Channel: Hashable, Sendable {
  /// How colours are chosen for the values of a column.
  package enum Palette: Hashable, Sendable {
    /// Clearly different hues, for kinds.
    case categories
    /// A ramp from light to dark, for ordered values such as sizes.
    case ordered
  }

  package var column: String
  package var title: String
  package var palette: Palette

  package init(_ column: String, _ title: String, palette: Palette = .categories) {
    self.column = column
    self.title = title
    self.palette = palette
  }
}

/// A reference line such as a chance level.
package struct Rule: Hashable, Sendable {
  /// Where the line runs.
  package enum Position: Hashable, Sendable {
    case horizontal(Double)
    /// Where y equals x: the chance level of AUC-PR drawn over prevalence.
    case identity
  }

  package var position: Position
  package var label: String
  /// The panel that has the line; nil means every panel.
  package var panel: String?

  package init(_ position: Position, _ label: String = "", panel: String? = nil) {
    self.position = position
    self.label = label
    self.panel = panel
  }
}
