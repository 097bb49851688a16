package import Foundation
import LabCore

/// A report as one HTML file that needs neither a network nor a server.
package enum ReportPage {
  /// The page as text; it is well-formed XML too, and every name in it is escaped.
  package static func html(_ document: ReportDocument) throws -> String {
    try PageWriter(document: document).page()
  }

  /// Writes the page to `url`, whole or not at all.
  package static func write(_ document: ReportDocument, to url: URL) throws {
    try AtomicFile.write(Data(try html(document).utf8), to: url)
  }

  /// Writes `ID.csv`, `ID.svg` and `ID.vl.json` of every figure, `ID-fit.csv` of one with fitted
  /// curves, and `ID.csv` of every table.
  ///
  /// The folder is made anew: nothing of an earlier report stays in it. Returns the files' names in
  /// the order written.
  package static func writeParts(of document: ReportDocument, to folder: URL) throws -> [String] {
    try AtomicFile.makeFolder(folder) { place in
      var written: [String] = []
      func write(_ data: Data, _ name: String) throws {
        try AtomicFile.write(data, to: place.appendingPathComponent(name))
        written.append(name)
      }
      for figure in document.figures {
        try write(CSV.data(figure.data), "\(figure.id).csv")
        if let fit = figure.fit { try write(CSV.data(fit.data), "\(figure.id)-fit.csv") }
        try write(SVGFigure.data(figure), "\(figure.id).svg")
        try write(VegaLite.data(figure), "\(figure.id).vl.json")
      }
      for table in document.tables { try write(CSV.data(table.data), "\(table.id).csv") }
      return written
    }
  }
}
