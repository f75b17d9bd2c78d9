/* What tokens and requests did in the last seconds, as it happens: bars from issue to expiry, marks
 * for refreshes and 401s, requests as they ran, and how many waited for a token. */
#ifndef TACIT_DESKTOP_TIMELINE_H
#define TACIT_DESKTOP_TIMELINE_H

#include <QElapsedTimer>
#include <QList>
#include <QTimer>
#include <QWidget>

class Timeline : public QWidget {
    Q_OBJECT

  public:
    enum Mark { SignedIn, Refreshed, RefreshFailed, Refused, SignedOut };

    explicit Timeline(QWidget *parent = nullptr);

    QSize sizeHint() const override;
    void setSpan(int pastMs, int futureMs);

    void addToken(qint64 expiresInSeconds); /* -1: unknown */
    void endToken();                        /* signed out */
    void addMark(Mark mark);
    int requestBegan();
    void requestEnded(int request, bool ok);
    void setWaiting(int count); /* requests that wait for a token now */
    void setOnline(bool online);

    int markCount(Mark mark) const; /* so far */
    int waitingPeak() const;

  protected:
    void paintEvent(QPaintEvent *event) override;

  private:
    struct Token {
        int number;               /* since the sign-in */
        qint64 issued, expires;   /* expires -1: unknown */
        qint64 replaced, refused; /* -1: in use; by nobody */
        int lane;
    };
    struct Happening {
        qint64 at;
        Mark mark;
    };
    struct Request {
        int id;
        qint64 began, ended; /* ended -1: running */
        bool ok;
        int lane;
    };
    struct Level {
        qint64 at;
        int count;
    };
    struct Outage {
        qint64 from, to; /* to -1: still */
    };
    enum {
        Gutter = 96,
        Head = 34,
        TokenLane = 26,
        MarkRow = 34,
        RequestRow = 72,
        WaitingRow = 58,
        Axis = 26
    };

    void forget();
    double x(qint64 at) const;
    QRectF bar(qint64 from, qint64 to, double top, double height) const;
    void paintLegend(QPainter &painter) const;
    void paintGrid(QPainter &painter) const;
    void paintOutages(QPainter &painter) const;
    void paintTokens(QPainter &painter, double top) const;
    void paintToken(QPainter &painter, const Token &token, double top) const;
    void paintMarks(QPainter &painter, double top) const;
    void paintMarksOf(QPainter &painter, Mark mark, double middle) const;
    void paintRequests(QPainter &painter, double top) const;
    QPolygonF waitingLine(double base, double scale) const;
    void paintWaiting(QPainter &painter, double top) const;
    void paintNow(QPainter &painter) const;

    QElapsedTimer clock;
    QTimer frames;
    qint64 now = 0; /* of the frame */
    int past = 30000, future = 10000;
    QList<Token> tokens;
    QList<Happening> marks;
    QList<Request> requests;
    QList<Level> waiting;
    QList<Outage> outages;
    int nextRequest = 0, peak = 0;
    int counts[SignedOut + 1] = {};
};

#endif
