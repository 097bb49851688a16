/// The style sheet of figures, shared by the page and by standalone pictures.
///
/// Series colours are set as `color` and drawn as `currentColor`, which every renderer understands.
enum FigureStyle {
  /// What the neutral parts look like: names of variables on the page, colours in a picture.
  struct Neutral {
    var ink: String
    var soft: String
    var grid: String
    var background: String
  }

  static let page = Neutral(
    ink: "var(--ink)", soft: "var(--soft)", grid: "var(--grid)", background: "var(--page)")
  static let light = Neutral(
    ink: "#1b1f24", soft: "#5a6270", grid: "#e4e7eb", background: "#ffffff")

  static func css(_ neutral: Neutral) -> String {
    """
    text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif}
    .tick{font-size:11px;fill:\(neutral.soft)}
    .title{font-size:12px;fill:\(neutral.soft)}
    .name{font-size:13px;font-weight:600;fill:\(neutral.ink)}
    .grid{stroke:\(neutral.grid);stroke-width:1}
    .axis{stroke:\(neutral.soft);stroke-width:1}
    .rule{stroke:\(neutral.soft);stroke-width:1.2;stroke-dasharray:5 4;fill:none}
    .rule-label,.label{font-size:11px;fill:\(neutral.soft);stroke:\(neutral.background);\
    stroke-width:3px;stroke-linejoin:round;paint-order:stroke}
    .label{fill:currentColor}
    .line{fill:none;stroke:currentColor;stroke-width:1.8;stroke-linejoin:round}
    .band{fill:currentColor;fill-opacity:.16;stroke:none}
    .fit{fill:none;stroke:currentColor;stroke-width:1.4;stroke-dasharray:2 3;stroke-opacity:.9}
    .interval{fill:none;stroke:currentColor;stroke-width:1.2;stroke-opacity:.75}
    .marker{fill:currentColor;stroke:\(neutral.background);stroke-width:1}
    .muted .marker{fill:\(neutral.background);stroke:currentColor;\
    stroke-width:1.4}
    .line.muted{stroke-dasharray:2 3}

    """
  }
}
