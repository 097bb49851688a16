/// A report as a value: what `ReportPage` turns into one HTML file.
package struct ReportDocument: Hashable, Sendable {
  package var title: String
  /// One line under the title: what was run, when known with which version.
  package var subtitle: Prose
  /// Opening paragraphs: the question and the answer.
  package var introduction: [Prose]
  /// The few numbers a reader should leave with.
  package var headlines: [Headline]
  package var sections: [ReportSection]
  /// Last lines of the page: software version, hashes, how to make the report again.
  package var colophon: [Prose]

  package init(
    title: String, subtitle: Prose = "", introduction: [Prose] = [], headlines: [Headline] = [],
    sections: [ReportSection] = [], colophon: [Prose] = []
  ) {
    self.title = title
    self.subtitle = subtitle
    self.introduction = introduction
    self.headlines = headlines
    self.sections = sections
    self.colophon = colophon
  }

  /// Every figure in reading order.
  package var figures: [Figure] {
    sections.flatMap(\.blocks).compactMap {
      if case .figure(let figure) = $0 { figure } else { nil }
    }
  }

  /// Every table in reading order.
  package var tables: [Table] {
    sections.flatMap(\.blocks).compactMap { if case .table(let table) = $0 { table } else { nil } }
  }
}

/// A key number: the value large, what it is above, its interval or condition below.
package struct Headline: Hashable, Sendable {
  package var label: String
  package var value: String
  package var detail: Prose

  package init(_ label: String, _ value: String, detail: Prose = "") {
    self.label = label
    self.value = value
    self.detail = detail
  }
}

/// One section: an entry of the contents list.
package struct ReportSection: Hashable, Sendable {
  package var title: String
  package var blocks: [Block]

  package init(_ title: String, _ blocks: [Block]) {
    self.title = title
    self.blocks = blocks
  }
}

/// What a section is made of.
package enum Block: Hashable, Sendable {
  case paragraph(Prose)
  case list([Prose])
  /// A remark set apart: a caveat, a deviation, a number that could not be determined.
  case note(Prose)
  case figure(Figure)
  case table(Table)
}
