/// What a figure's colours and markers stand for.
struct Legend {
  /// One entry: a series number for colour, a marker, a name.
  struct Key: Hashable {
    var color: Int?
    var shape: MarkerShape?
    var hasLine: Bool
    var isMuted: Bool
    var name: String
  }

  /// Entries under one title.
  struct Group: Hashable {
    var title: String
    var keys: [Key]
  }

  let groups: [Group]

  init(_ figure: ResolvedFigure) {
    let hasLine = figure.marks.contains { if case .line = $0 { true } else { false } }
    let isJoint = figure.colorIndex == figure.shapeIndex
    let colorColumn = figure.colorIndex.map { figure.figure.data.columns[$0] }
    let shapeColumn = figure.shapeIndex.map { figure.figure.data.columns[$0] }
    var groups: [Group] = []
    if figure.colors.count > 1, let column = colorColumn {
      let keys = figure.colors.enumerated().map { index, value in
        Key(
          color: index, shape: isJoint ? .number(index) : hasLine ? nil : .circle, hasLine: hasLine,
          isMuted: figure.figure.muted.contains(value),
          name: Self.name(value, figure.figure.data, column))
      }
      groups.append(Group(title: figure.figure.color?.title ?? "", keys: keys))
    }
    if !isJoint, figure.shapes.count > 1, let column = shapeColumn {
      let keys = figure.shapes.enumerated().map { index, value in
        Key(
          color: nil, shape: .number(index), hasLine: false, isMuted: false,
          name: Self.name(value, figure.figure.data, column))
      }
      groups.append(Group(title: figure.figure.shape?.title ?? "", keys: keys))
    }
    self.groups = groups
  }

  /// A value as its column writes it.
  private static func name(_ value: String, _ data: Records, _ column: Column) -> String {
    guard let index = data.index(of: column.name),
      let cell = data.rows.first(where: { $0[index].plain == value })?[index]
    else { return value }
    return column.format.string(cell)
  }

  /// The picture of an entry, 26 units wide around the origin of its box (13, 6).
  static func picture(_ key: Key) -> String {
    let series = key.color.map { " c\($0)" } ?? ""
    let muted = key.isMuted ? " muted" : ""
    let line =
      key.hasLine ? Markup.empty("path", ["class": "line\(muted)", "d": "M1 6H25"]) : ""
    let marker =
      key.shape.map {
        Markup.empty("path", ["class": "marker", "transform": "translate(13 6)", "d": $0.path])
      } ?? ""
    return Markup.element("g", ["class": "key\(series)\(muted)"], line + marker)
  }
}
