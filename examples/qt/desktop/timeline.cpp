#include "timeline.h"

#include <QPainter>
#include <QPainterPath>

#include <algorithm>

namespace {

const QColor ink(0x1f, 0x29, 0x37), quiet(0x6b, 0x72, 0x80), line(0xe5, 0xe7, 0xeb);
const QColor blue(0x25, 0x63, 0xeb), paleBlue(0xdb, 0xe7, 0xfe);
const QColor green(0x16, 0xa3, 0x4a), red(0xdc, 0x26, 0x26), amber(0xd9, 0x77, 0x06);
const QColor paleAmber(0xfd, 0xe6, 0x8a), offline(0xf3, 0xe8, 0xe8), grey(0x9c, 0xa3, 0xaf);

const int frameMs = 50, requestLanes = 6;

QFont sized(QFont font, double points, bool bold = false) {
    font.setPointSizeF(points);
    font.setBold(bold);
    return font;
}

void drawTriangle(QPainter &p, const QPointF &c, const QColor &colour) {
    p.setPen(Qt::NoPen);
    p.setBrush(colour);
    p.drawPolygon(QPolygonF({c + QPointF(0, -6.5), c + QPointF(6.5, 5), c + QPointF(-6.5, 5)}));
}

void drawCross(QPainter &p, const QPointF &c, const QColor &colour) {
    p.setPen(QPen(colour, 2.6, Qt::SolidLine, Qt::RoundCap));
    p.drawLine(c + QPointF(-4.5, -4.5), c + QPointF(4.5, 4.5));
    p.drawLine(c + QPointF(-4.5, 4.5), c + QPointF(4.5, -4.5));
}

void drawWarning(QPainter &p, const QPointF &c) {
    drawTriangle(p, c, amber);
    p.setPen(QPen(Qt::white, 1.6));
    p.drawLine(c + QPointF(0, -2.5), c + QPointF(0, 1));
    p.drawPoint(c + QPointF(0, 3.2));
}

void drawDot(QPainter &p, const QPointF &c, const QColor &fill, const QColor &edge) {
    p.setPen(QPen(edge, 2));
    p.setBrush(fill);
    p.drawEllipse(c, 5, 5);
}

void drawMark(QPainter &p, Timeline::Mark mark, const QPointF &c) {
    switch (mark) {
    case Timeline::SignedIn:
        drawDot(p, c, blue, blue);
        break;
    case Timeline::SignedOut:
        drawDot(p, c, Qt::white, grey);
        break;
    case Timeline::Refreshed:
        drawTriangle(p, c, green);
        break;
    case Timeline::RefreshFailed:
        drawWarning(p, c);
        break;
    case Timeline::Refused:
        drawCross(p, c, red);
        break;
    }
}

} // namespace

Timeline::Timeline(QWidget *parent) : QWidget(parent) {
    setMinimumSize(560, sizeHint().height());
    clock.start();
    connect(&frames, &QTimer::timeout, this, [this] {
        forget();
        update();
    });
    frames.start(frameMs);
}

QSize Timeline::sizeHint() const {
    return {900, Head + 2 * TokenLane + 12 + MarkRow + RequestRow + WaitingRow + Axis};
}

void Timeline::setSpan(int pastMs, int futureMs) {
    past = pastMs;
    future = futureMs;
}

/* ------------------------------------------------------------------ what happens */

void Timeline::addToken(qint64 expiresInSeconds) {
    qint64 at = clock.elapsed();
    bool isFirst = tokens.isEmpty() || tokens.last().replaced >= 0;
    int number = isFirst ? 1 : tokens.last().number + 1;
    int lane = tokens.isEmpty() ? 0 : 1 - tokens.last().lane;

    endToken();
    tokens.append(
        {number, at, expiresInSeconds < 0 ? -1 : at + expiresInSeconds * 1000, -1, -1, lane});
}

void Timeline::endToken() {
    if (!tokens.isEmpty() && tokens.last().replaced < 0) tokens.last().replaced = clock.elapsed();
}

void Timeline::addMark(Mark mark) {
    counts[mark]++;
    marks.append({clock.elapsed(), mark});
    if (mark == Refused && !tokens.isEmpty() && tokens.last().refused < 0)
        tokens.last().refused = clock.elapsed();
}

int Timeline::requestBegan() {
    int lane = 0;
    auto isTaken = [&lane](const Request &r) { return r.ended < 0 && r.lane == lane; };

    while (lane < requestLanes - 1 && std::any_of(requests.begin(), requests.end(), isTaken))
        lane++;
    requests.append({nextRequest, clock.elapsed(), -1, false, lane});
    return nextRequest++;
}

void Timeline::requestEnded(int request, bool ok) {
    for (Request &r : requests) {
        if (r.id != request) continue;
        r.ended = clock.elapsed();
        r.ok = ok;
    }
}

void Timeline::setWaiting(int count) {
    peak = std::max(peak, count);
    waiting.append({clock.elapsed(), count});
}

void Timeline::setOnline(bool online) {
    if (online && !outages.isEmpty())
        outages.last().to = clock.elapsed();
    else if (!online)
        outages.append({clock.elapsed(), -1});
}

int Timeline::markCount(Mark mark) const {
    return counts[mark];
}

int Timeline::waitingPeak() const {
    return peak;
}

/* What has left the picture; of the levels the last one before it still counts. */
void Timeline::forget() {
    qint64 begin = clock.elapsed() - past;

    tokens.removeIf(
        [=](const Token &t) { return t.replaced >= 0 && t.replaced < begin && t.expires < begin; });
    marks.removeIf([=](const Happening &m) { return m.at < begin; });
    requests.removeIf([=](const Request &r) { return r.ended >= 0 && r.ended < begin; });
    outages.removeIf([=](const Outage &o) { return o.to >= 0 && o.to < begin; });
    while (waiting.size() > 1 && waiting.at(1).at < begin) waiting.removeFirst();
}

/* ------------------------------------------------------------------ the picture */

double Timeline::x(qint64 at) const {
    double left = Gutter, right = width() - 16;

    return left + (right - left) * double(at - (now - past)) / (past + future);
}

QRectF Timeline::bar(qint64 from, qint64 to, double top, double height) const {
    double left = std::max(x(from), double(Gutter)), right = std::min(x(to), width() - 16.0);

    return {left, top, std::max(right - left, 3.0), height};
}

void Timeline::paintEvent(QPaintEvent *) {
    QPainter painter(this);
    double top = Head;

    now = clock.elapsed();
    painter.setRenderHint(QPainter::Antialiasing);
    painter.fillRect(rect(), Qt::white);
    paintGrid(painter);
    paintOutages(painter);
    paintLegend(painter);
    paintTokens(painter, top + 6);
    paintMarks(painter, top += 2 * TokenLane + 12);
    paintRequests(painter, top += MarkRow);
    paintWaiting(painter, top += RequestRow);
    paintNow(painter);
}

void Timeline::paintLegend(QPainter &p) const {
    static const struct {
        Mark mark;
        const char *name;
    } legend[] = {{SignedIn, QT_TR_NOOP("signed in")},
                  {Refreshed, QT_TR_NOOP("refreshed")},
                  {RefreshFailed, QT_TR_NOOP("refresh failed")},
                  {Refused, QT_TR_NOOP("401")},
                  {SignedOut, QT_TR_NOOP("signed out")}};
    double at = Gutter;

    p.setFont(sized(font(), 9));
    for (const auto &entry : legend) {
        drawMark(p, entry.mark, {at + 6, Head / 2.0});
        QString name = tr(entry.name);
        p.setPen(quiet);
        p.drawText(QRectF(at + 18, 0, 160, Head), Qt::AlignVCenter, name);
        at += 18 + p.fontMetrics().horizontalAdvance(name) + 22;
    }
}

void Timeline::paintGrid(QPainter &p) const {
    static const int steps[] = {1000, 2000, 5000, 10000, 30000};
    const char *rows[] = {QT_TR_NOOP("Tokens"), QT_TR_NOOP("Events"), QT_TR_NOOP("Requests"),
                          QT_TR_NOOP("Waiting")};
    const int heights[] = {2 * TokenLane + 12, MarkRow, RequestRow, WaitingRow};
    double top = Head;
    int step = steps[0];

    for (int wider : steps)
        if ((past + future) / step > 12) step = wider;
    p.setFont(sized(font(), 9));
    for (int ms = -past / step * step; ms <= future; ms += step) {
        double at = x(now + ms);
        p.setPen(QPen(line, 1));
        p.drawLine(QPointF(at, Head), QPointF(at, height() - Axis));
        if (ms == 0) continue;
        p.setPen(quiet);
        p.drawText(QRectF(at - 30, height() - Axis, 60, Axis), Qt::AlignCenter,
                   QString("%1%2 s").arg(ms > 0 ? "+" : "\u2212").arg(std::abs(ms) / 1000));
    }
    for (int i = 0; i < 4; i++) {
        p.setPen(QPen(line, 1));
        p.drawLine(QPointF(0, top), QPointF(width(), top));
        p.setPen(ink);
        p.setFont(sized(font(), 10, true));
        p.drawText(QRectF(16, top, Gutter - 20, heights[i]), Qt::AlignVCenter, tr(rows[i]));
        top += heights[i];
    }
    p.setPen(QPen(line, 1));
    p.drawLine(QPointF(0, top), QPointF(width(), top));
}

void Timeline::paintOutages(QPainter &p) const {
    for (const Outage &outage : outages) {
        QRectF band =
            bar(outage.from, outage.to < 0 ? now : outage.to, Head, height() - Head - Axis);

        p.fillRect(band, QColor(offline.red(), offline.green(), offline.blue(), 170));
        p.setPen(red.darker(110));
        p.setFont(sized(font(), 9, true));
        if (band.width() > 70)
            p.drawText(band.adjusted(6, 0, -6, -4), Qt::AlignBottom | Qt::AlignHCenter,
                       tr("network off"));
    }
}

/* Strong while it was the one in use, red from the first 401, pale for what was left of its life when
 * a newer one came. */
void Timeline::paintToken(QPainter &p, const Token &t, double top) const {
    qint64 end = t.expires < 0 ? now + future : t.expires;
    qint64 used = t.replaced < 0 ? end : std::min(t.replaced, end);
    QRectF whole = bar(t.issued, end, top, TokenLane - 6),
           part = bar(t.issued, used, top, TokenLane - 6);
    QPainterPath outline;

    outline.addRoundedRect(whole, 5, 5);
    p.setPen(Qt::NoPen);
    p.fillPath(outline, paleBlue);
    p.save();
    p.setClipPath(outline);
    p.fillRect(part, t.replaced < 0 && now > end ? grey : blue);
    if (t.refused >= 0) p.fillRect(bar(t.refused, used, top, TokenLane - 6), red);
    p.restore();
    p.setPen(Qt::white);
    p.setFont(sized(font(), 9, true));
    QString label = tr("token %1").arg(t.number);
    if (p.fontMetrics().horizontalAdvance(label) + 12 < part.width())
        p.drawText(part.adjusted(8, 0, -4, 0), Qt::AlignVCenter, label);
}

void Timeline::paintTokens(QPainter &p, double top) const {
    for (const Token &token : tokens)
        if (token.expires < 0 || token.expires > now - past)
            paintToken(p, token, top + token.lane * TokenLane + 3);
}

void Timeline::paintMarks(QPainter &p, double top) const {
    for (Mark mark : {Refused, RefreshFailed, Refreshed, SignedOut, SignedIn})
        paintMarksOf(p, mark, top + MarkRow / 2.0);
}

/* Those that would cover each other are one, with their number beside it. */
void Timeline::paintMarksOf(QPainter &p, Mark mark, double middle) const {
    const double apart = 48;

    p.setFont(sized(font(), 9, true));
    for (int i = 0; i < marks.size();) {
        double at = x(marks.at(i).at);
        int together = 0;
        if (marks.at(i).mark != mark || at < Gutter) {
            i++;
            continue;
        }
        for (; i < marks.size() && x(marks.at(i).at) < at + apart; i++)
            together += marks.at(i).mark == mark;
        drawMark(p, mark, {at, middle});
        p.setPen(quiet);
        if (together > 1)
            p.drawText(QRectF(at + 9, middle - 10, 40, 20), Qt::AlignVCenter,
                       QString::number(together));
    }
}

void Timeline::paintRequests(QPainter &p, double top) const {
    const double lane = (RequestRow - 12.0) / requestLanes;

    p.setPen(Qt::NoPen);
    for (const Request &r : requests) {
        QRectF shape =
            bar(r.began, r.ended < 0 ? now : r.ended, top + 6 + r.lane * lane, lane - 2.5);

        p.setBrush(r.ended < 0 ? grey : r.ok ? green : red);
        p.drawRoundedRect(shape, 2, 2);
    }
}

QPolygonF Timeline::waitingLine(double base, double scale) const {
    QPolygonF steps;

    for (int i = 0; i < waiting.size(); i++) {
        qint64 from = std::max(waiting.at(i).at, now - past);
        qint64 until = i + 1 < waiting.size() ? waiting.at(i + 1).at : now;
        if (until < from) continue;
        double y = base - waiting.at(i).count * scale;
        steps << QPointF(x(from), y) << QPointF(x(until), y);
    }
    return steps;
}

void Timeline::paintWaiting(QPainter &p, double top) const {
    double base = top + WaitingRow - 6, scale = (WaitingRow - 26.0) / std::max(peak, 1);
    QPolygonF steps = waitingLine(base, scale), area = steps;

    if (steps.isEmpty()) return;
    area << QPointF(steps.last().x(), base) << QPointF(steps.first().x(), base);
    p.setPen(Qt::NoPen);
    p.setBrush(paleAmber);
    p.drawPolygon(area);
    p.setPen(QPen(amber, 2));
    p.drawPolyline(steps);
    const Level &most =
        *std::max_element(waiting.begin(), waiting.end(),
                          [](const Level &a, const Level &b) { return a.count < b.count; });
    p.setFont(sized(font(), 9, true));
    if (most.count > 0 && most.at >= now - past)
        p.drawText(QRectF(x(most.at) - 2, base - most.count * scale - 18, 60, 16), Qt::AlignVCenter,
                   QString::number(most.count));
}

void Timeline::paintNow(QPainter &p) const {
    p.setPen(QPen(ink, 1.5));
    p.drawLine(QPointF(x(now), Head - 4), QPointF(x(now), height() - Axis));
    p.setFont(sized(font(), 9, true));
    p.drawText(QRectF(x(now) - 30, height() - Axis, 60, Axis), Qt::AlignCenter, tr("now"));
}
