#!/bin/sh
# The models, searched by spin: what holds must hold in every state, and each mutant must be refuted. One line each, with
# the number of states; a search that was cut short counts as a difference.
#   check.sh [short|long] [JOBS]     needs spin and gcc; short takes a few minutes
set -eu
here=$(cd "$(dirname "$0")" && pwd)

# size | name | model | holds or refuted | property (safety, or the name of an LTL formula) | flags
table() {
    sed -e '/^#/d' -e '/^ *$/d' <<'END'
# The rules.
short|save fails            |record|holds  |safety|-DFAULTS=3 -DOPS=3
short|load fails            |record|holds  |safety|-DFAULTS=2 -DLOADFAULTS=2
short|lost answer           |record|holds  |safety|-DLOSSES=2 -DFAULTS=1
short|lost answer, grace    |record|holds  |safety|-DLOSSES=2 -DGRACE=1 -DFAULTS=1
short|late post             |record|holds  |safety|-DLATEPOSTS=1 -DCRASHES=1
short|late post, grace      |record|holds  |safety|-DLATEPOSTS=1 -DCRASHES=1 -DGRACE=1
short|late post, new grace  |record|holds  |safety|-DLATEPOSTS=1 -DCRASHES=1 -DGRACE=2
short|death                 |record|holds  |safety|-DCRASHES=1 -DFAULTS=1
short|death, grace          |record|holds  |safety|-DCRASHES=1 -DFAULTS=1 -DGRACE=1 -DLOADFAULTS=1
short|death of either       |record|holds  |safety|-DCRASHES=1 -DCRASHBOTH -DFAULTS=1 -DGRACE=1
short|hanging store         |record|holds  |safety|-DHANGS=1 -DFAULTS=1
short|death, late save      |record|holds  |safety|-DHANGS=1 -DCRASHES=1 -DSURVIVES=1 -DGRACE=1
short|death, server forgives|record|holds  |safety|-DHANGS=1 -DCRASHES=1 -DSURVIVES=1 -DFORGIVES=1
short|journal write fails   |record|holds  |safety|-DJFAULTS=1 -DFAULTS=2
short|journal deleted       |record|holds  |safety|-DJLOSSES=1 -DLOADFAULTS=1 -DFAULTS=1
short|record vanished       |record|holds  |safety|-DVANISHED=1 -DFAULTS=1
short|sign-out              |record|holds  |safety|-DUSERS=1 -DFAULTS=2
short|sign-out and sign-in  |record|holds  |safety|-DUSERS=2 -DFAULTS=1
short|sign-in over a sign-in|record|holds  |safety|-DUSERS=3 -DFAULTS=1 -DHANGS=1
short|both at once          |record|holds  |safety|-DUSERS=4 -DFAULTS=1
short|users and death       |record|holds  |safety|-DUSERS=2 -DCRASHES=1 -DGRACE=1
short|first load            |record|holds  |safety|-DFRESH=1 -DUSERS=3 -DFAULTS=1
short|journal slots         |slots |holds  |safety|
short|flight                |flight|holds  |safety|-DREVOKES=1 -DTIMERS=0
short|flight wakes          |flight|holds  |wake  |-DREVOKES=1 -DTIMERS=0 -DOTHERS=0
short|flight, timer         |flight|holds  |wake  |-DREVOKES=1 -DTIMERS=1 -DOTHERS=0 -DWORKERS=1
short|flight, close         |flight|holds  |wake  |-DREVOKES=1 -DTIMERS=0 -DOTHERS=0 -DCLOSES=1 -DWORKERS=1
short|flight, other stops   |flight|holds  |wake  |-DREVOKES=1 -DTIMERS=0 -DSTOPS=1 -DWORKERS=1 -DFAILS=0
short|others get a worker   |flight|holds  |others|-DREVOKES=1 -DTIMERS=0 -DSTOPS=1 -DWORKERS=1 -DFAILS=0
short|closing needs no flight|flight|holds  |closes|-DCLOSES=1 -DREVOKES=1 -DSTOPS=1 -DM_NOPATIENCE -DTIMERS=0 -DFAILS=0 -DWORKERS=1
short|flight, users         |flight|holds  |safety|-DREVOKES=1 -DTIMERS=0 -DOTHERS=0 -DSWITCHES=1 -DWORKERS=1
short|whole, saves fail     |whole |holds  |wake  |-DFAULTS=2 -DLOSSES=1
short|whole, death          |whole |holds  |wake  |-DCRASHES=1
short|whole, other stops    |whole |holds  |wake  |-DFOREVER=1
# Without this rule it is refuted.
short|R1 lock               |record|refuted|safety|-DM_NOLOCK
short|R1 one worker         |flight|refuted|safety|-DM_TWOWORKERS -DREVOKES=1 -DTIMERS=0 -DOTHERS=0
short|R2 head               |record|refuted|safety|-DM_IGNOREHEAD -DFAULTS=1
short|R2 head, whole        |whole |refuted|safety|-DM_IGNOREHEAD
short|R2 life until saved   |record|refuted|safety|-DM_LIFESHORT -DFAULTS=1
short|R2 load before post   |record|refuted|safety|-DM_NOLOADF -DCRASHES=1 -DLOADFAULTS=1
short|R2 saved means saved  |record|refuted|safety|-DM_ROLLEDBACK -DVANISHED=1
short|R2 no head, no post   |record|refuted|safety|-DM_BLINDPOST -DJLOSSES=1 -DLOADFAULTS=1
short|R2 refused is over    |record|refuted|safety|-DM_REFUSEDHASH -DLOSSES=2
short|R2 unwritten answer   |record|refuted|safety|-DM_JFAILUNLOCK -DJFAULTS=1 -DFAULTS=1
short|R3 older 401          |flight|refuted|safety|-DM_R3 -DREVOKES=1 -DOTHERS=0 -DTIMERS=0 -DWORKERS=1
short|R3 adoption           |whole |refuted|safety|-DM_NOADOPT
short|R3 adoption, record   |record|refuted|safety|-DM_NOADOPT
short|R4 cancelled waiter   |flight|refuted|safety|-DM_CANCEL -DREVOKES=1 -DOTHERS=0 -DTIMERS=0 -DWORKERS=1
short|R4 closed session     |flight|refuted|safety|-DM_CLOSEKILLS -DCLOSES=1 -DREVOKES=1 -DOTHERS=0 -DTIMERS=0 -DWORKERS=1
short|R5 save, then use     |record|refuted|safety|-DM_PUBFIRST
short|R5 timer waits        |record|refuted|safety|-DM_TIMER -DFAULTS=2
short|R6 three re-reads     |record|refuted|safety|-DM_NOREREAD -DHANGS=1 -DCRASHES=1 -DSURVIVES=1 -DFORGIVES=1
short|R6 not only one       |record|refuted|safety|-DM_REREADONCE -DHANGS=1 -DCRASHES=1 -DSURVIVES=1 -DFORGIVES=1
short|R6 only a refusal     |record|refuted|safety|-DM_REFUSE5XX -DLOSSES=1
short|R6 not a lost record  |record|refuted|safety|-DM_VANISHOUT -DVANISHED=1
short|R7 late call, lock    |record|refuted|safety|-DM_HANGUNLOCK -DHANGS=1 -DUSERS=3
short|R7 reserved           |record|refuted|safety|-DM_NORESERVE -DFAULTS=1 -DCRASHES=1 -DGRACE=2
short|R7 looks              |record|refuted|safety|-DM_NOWATCH -DHANGS=1 -DCRASHES=1 -DGRACE=1 -DSURVIVES=1
short|R7 everybody looks    |record|refuted|safety|-DM_OWNWATCH -DHANGS=1 -DCRASHES=1 -DGRACE=1 -DSURVIVES=1
short|R7 says who saves     |record|refuted|safety|-DM_QUIETSAVE -DVANISHED=1 -DHANGS=1 -DCRASHES=1 -DGRACE=1 -DSURVIVES=1
short|R7 slot as read       |slots |refuted|safety|-DM_TOGGLE
short|R7 two slots          |slots |refuted|safety|-DM_INPLACE
short|R7 read again         |slots |refuted|safety|-DM_ONEREAD
short|R16 sign-out compares |record|refuted|safety|-DM_NOCOMPARE -DUSERS=4
short|R16 head, then save   |record|refuted|safety|-DM_SAVEFIRST -DUSERS=3 -DCRASHES=1
short|R16 head's only       |record|refuted|safety|-DM_ADOPTANY -DUSERS=3 -DFAULTS=1
short|R16 mark stays        |record|refuted|safety|-DM_MARKGIVES -DUSERS=1 -DFAULTS=1
short|R16 first load        |record|refuted|safety|-DM_LOADBLIND -DFRESH=1 -DUSERS=3 -DFAULTS=1
short|R16 first load, twice |record|refuted|safety|-DM_LOADONCE -DFRESH=1 -DUSERS=3
short|R16 no replay as B    |flight|refuted|safety|-DM_REPLAY -DSWITCHES=1 -DREVOKES=1 -DWORKERS=1
short|R17 no resending      |record|refuted|safety|-DM_RESEND -DLOSSES=1
short|R17 unknown outcome   |record|refuted|safety|-DM_NOTSENT -DLOSSES=1
short|wake: end is one step |flight|refuted|wake  |-DM_SPLIT -DREVOKES=1 -DTIMERS=1 -DOTHERS=0 -DWORKERS=1
short|wake: scheduling      |flight|refuted|wake  |-DM_LOSTSCHEDULE -DREVOKES=1 -DTIMERS=0 -DOTHERS=0 -DWORKERS=1
short|wake: closing         |flight|refuted|closes|-DM_SILENTCLOSE -DCLOSES=1 -DREVOKES=1 -DSTOPS=1 -DM_NOPATIENCE -DTIMERS=0 -DFAILS=0 -DWORKERS=1
short|wake: patience        |flight|refuted|wake  |-DM_NOPATIENCE -DSTOPS=1 -DREVOKES=1 -DTIMERS=0 -DWORKERS=1
short|wake: free workers    |flight|refuted|others|-DM_WAITLOCK -DSTOPS=1 -DREVOKES=1 -DTIMERS=0 -DWORKERS=1
short|wake: whole           |whole |refuted|wake  |-DM_NOWAKE -DLOSSES=1
short|wake: whole, lock freed |whole |refuted|wake  |-DM_LOCKSTAYS -DCRASHES=1
short|wake: whole, patience |whole |refuted|wake  |-DM_NOPATIENCE -DFOREVER=1
# Larger.
long |everything, users     |record|holds  |safety|-DUSERS=2 -DCRASHES=1 -DGRACE=1 -DHANGS=1 -DSURVIVES=1
long |everything, records   |record|holds  |safety|-DVANISHED=1 -DHANGS=1 -DCRASHES=1 -DGRACE=1 -DSURVIVES=1
long |three turns           |record|holds  |safety|-DOPS=3 -DCRASHES=1 -DFAULTS=1 -DLOSSES=1 -DGRACE=1
long |two deaths            |record|holds  |safety|-DCRASHES=2 -DFAULTS=1 -DLOADFAULTS=1
long |users, both, death    |record|holds  |safety|-DUSERS=4 -DCRASHES=1 -DFAULTS=1 -DHANGS=1
long |flight, two revokes   |flight|holds  |safety|-DREVOKES=2 -DTIMERS=0 -DWORKERS=1
long |flight, two workers   |flight|holds  |wake  |-DREVOKES=1 -DTIMERS=0
long |whole, all            |whole |holds  |wake  |-DREVOKES=2 -DFAULTS=2 -DLOSSES=1 -DCRASHES=1
END
}

# search FLAGS: spin and the verifier it makes, in the current directory.
search() {
    model=$1 property=$2 flags=$3
    how="-DSAFETY" options="-noclaim"
    [ "$property" = safety ] || { how="-DNFAIR=4" options="-a -f -N $property"; }
    # shellcheck disable=SC2086 # lists of flags
    spin -a $flags "$here/$model.pml" >log 2>&1 &&
        gcc "$optimise" -w -DCOLLAPSE -DVECTORSZ=2048 -DMEMLIM=6000 $how -o pan pan.c >>log 2>&1 &&
        ./pan -m4000000 -w20 $options >>log 2>&1
}

# one LINE-OF-THE-TABLE: prints its line; false where it is not as expected.
one() {
    IFS='|' read -r size name model expected property flags <<END
$1
END
    optimise=-O0
    [ "$size" = short ] || optimise=-O2
    model=$(echo "$model" | tr -d ' ') property=$(echo "$property" | tr -d ' ')
    directory=$(mktemp -d "$work/XXXXXX")
    cd "$directory"
    search "$model" "$property" "$flags" || true
    states=$(sed -n 's/^ *\([0-9]*\) states, stored.*/\1/p' log)
    outcome="cut short"
    if grep -q "pan:1: \(assertion violated\|acceptance cycle\)" log; then
        outcome=refuted
    elif grep -q "errors: 0$" log && ! grep -q "not completed\|too small\|out of memory\|aborted" log; then
        outcome=holds
    fi
    verdict=ok
    [ "$outcome" = "$(echo "$expected" | tr -d ' ')" ] || verdict=DIFFERS
    printf '%-7s %-24s %-7s %-7s %9s states  %s\n' "$verdict" "$name" "$model" "$outcome" "${states:-?}" "$flags"
    [ "$verdict" = ok ] || tail -n 5 log
    rm -rf "$directory"
    [ "$verdict" = ok ]
}

case "${1:-short}" in
    --one)
        work=$2
        one "$3"
        exit
        ;;
    short) sizes='^short' ;;
    long) sizes='' ;;
    *) echo "usage: check.sh [short|long] [JOBS]" >&2; exit 2 ;;
esac
work=$(mktemp -d "${TMPDIR:-/tmp}/tacit-model.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' HUP INT TERM
table | grep "$sizes" | tr '\n' '\0' | xargs -0 -n 1 -P "${2:-$(nproc 2>/dev/null || echo 2)}" sh "$0" --one "$work"
