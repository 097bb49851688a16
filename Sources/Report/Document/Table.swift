/// A table: sortable on the page, downloadable as CSV.
package struct Table: Hashable, Sendable {
  /// Names the anchor and the downloaded file: lower-case letters, digits and hyphens.
  package var id: String
  package var title: String
  package var caption: Prose
  /// The command that made the numbers; empty when there is none.
  package var command: String
  package var data: Records

  package init(
    id: String, title: String, caption: Prose = "", command: String = "", data: Records
  ) {
    self.id = id
    self.title = title
    self.caption = caption
    self.command = command
    self.data = data
  }
}
