/*
 * The record of one identity, shared by two processes: lock, journal, store, token endpoint, and everything that goes wrong with them.
 *
 * Each process has one worker, which makes turns: it takes the lock, reads the journal, loads the record, and saves, posts, signs out or
 * signs in. After OPS such turns each process comes to rest, and must then hold a token or the truth.
 *
 * A refresh token is one number: 16 * sign-in + n, where the server made n + 1 from n. Ghosts are variables that only assertions read.
 * An atomic step is a step of the code that no crash and no other process can divide: a durable write of the journal, a store call, a
 * change of memory under the identity's lock.
 *
 * How many of each fault may happen: FAULTS saves and erases that fail, LOADFAULTS loads, JFAULTS journal writes after an answer, HANGS store
 * calls that are overdue, LOSSES answers lost, LATEPOSTS posts that arrive when their sender has given up or died, CRASHES, VANISHED
 * records, JLOSSES journals deleted. SURVIVES: a keyring's daemon finishes the calls of the dead. GRACE: what the server answers to the
 * predecessor: 0 nothing, 1 the same successor, 2 another one. FORGIVES: a reused token is refused, and its family lives on.
 * USERS: 1 a sign-out, 2 a sign-out and a sign-in as another, 3 a sign-in over a sign-in, 4 both at once. FRESH: process 1 has yet to load.
 * M_...: mutants; see check.sh.
 */
#ifndef OPS
#define OPS 2
#endif
#ifndef FAULTS
#define FAULTS 0
#endif
#ifndef LOADFAULTS
#define LOADFAULTS 0
#endif
#ifndef JFAULTS
#define JFAULTS 0
#endif
#ifndef HANGS
#define HANGS 0
#endif
#ifndef LOSSES
#define LOSSES 0
#endif
#ifndef LATEPOSTS
#define LATEPOSTS 0
#endif
#ifndef CRASHES
#define CRASHES 0
#endif
#ifndef VANISHED
#define VANISHED 0
#endif
#ifndef JLOSSES
#define JLOSSES 0
#endif
#ifndef SURVIVES
#define SURVIVES 0
#endif
#ifndef GRACE
#define GRACE 0
#endif
#ifndef FORGIVES
#define FORGIVES 0
#endif
#ifndef USERS
#define USERS 0
#endif
#ifndef FRESH
#define FRESH 0
#endif

#define TOKEN(s, n) (16 * (s) + (n))
#define SIGN_IN(t) ((t) / 16)

/* the journal's states */
#define IDLE 0
#define POSTED 1
#define ANSWERED 2
#define REFUSED 3
#define SIGNED_OUT 4
/* what a turn is for: a look at the store, a need, the timer, a sign-out, a sign-in */
#define LOOK 1
#define NEED 2
#define TIMER 3
#define OUT 4
#define IN 5
/* results */
#define OKAY 1
#define REFUSAL 2
#define UNKNOWN 3
#define ERROR 4
#define OVERDUE 5
/* overdue calls */
#define NONE 0
#define SAVE 1
#define ERASE 2

/* the server */
byte newest[3];   /* the successor of all */
bool revoked[3];
byte on_the_way;  /* a post that its sender has given up */

/* the store and the journal; token 0: not found; sign-in 0: no journal */
byte r_gen = 1, r_token = TOKEN(1, 1);
byte j_state = IDLE, j_sign_in = 1, j_gen = 1, j_reserved = 1, j_writer = 0, j_hash = 0,
     j_head = TOKEN(1, 1);
bool j_watch = false; /* a dead writer's store call may still be finished: whoever makes a turn looks again later */
bool j_tried = false; /* attempts > 0: a post of the token with this hash has an unknown outcome */

/* the processes */
byte lock = 0;           /* the process that has it, from 1 */
bool at_work[2];         /* its worker is in a turn */
bool keeps[2];           /* an answer is in no file yet: the lock stays */
byte m_gen[2], m_token[2];
bool m_unsaved[2];
bool watch[2];           /* the store is to be looked at again */
byte living[2];          /* the life it lives */
byte incarnation[2];
bool dead[2];
byte stage[2];

/* an overdue store call: it is alone, and belongs to a process (from 1) or to the dead (0) */
byte late_call = NONE, late_owner, late_gen, late_token;

byte faults = FAULTS, loadfaults = LOADFAULTS, jfaults = JFAULTS, hangs = HANGS, losses = LOSSES,
     lateposts = LATEPOSTS, crashes = CRASHES, vanished = VANISHED, jlosses = JLOSSES;
bool signout_left = (USERS == 1 || USERS == 2 || USERS == 4), signin_left = (USERS >= 2);

/* ghosts */
byte flights[3];         /* grants on their way, by sign-in */
byte flies[2];           /* whose grant this process has on its way */
byte saved[3];           /* the newest token that any store call saved */
byte first_use[16];      /* of generation g of sign-in s: the refresh token it came with, at 8 * (s - 1) + g */
byte user = 1;           /* the sign-in the user last asked for; 0: none */
bool excused = false;    /* an answer was lost, a process died, a journal was deleted */
bool unsaved_twice = false; /* a rotation although the last one was not saved: no protocol can save that */
byte troubles = 0;       /* lost answers and deaths, each of which may hide a rotation */
bool landed = false;     /* a call of the dead was finished since the last load */
bool blind_unsaved = false; /* ... while it alone knew of an answer */
bool user_left = false;   /* there was a moment with nobody signed in */
bool blind = false;      /* the journal was deleted: nobody can know of lost answers */

#define LOST excused = true; troubles++
#define ME (p + 1 + 2 * incarnation[p])
#define IS_ME(w) ((w) != 0 && (w) == living[p])
#define LIVES(w) ((w) != 0 && (living[0] == (w) || living[1] == (w)))
#define ANOTHER_LIVES (LIVES(j_writer) && !IS_ME(j_writer))
#define LATE(q) (late_call != NONE && late_owner == (q) + 1)
#define NEWER(a, b) (SIGN_IN(a) == SIGN_IN(b) && (a) > (b))
#define IS_HEAD(q) (m_token[q] != 0 && SIGN_IN(m_token[q]) == j_sign_in && m_gen[q] == j_gen && j_state != SIGNED_OUT)
#define IS_SIGNED_IN (j_sign_in != 0 && j_state != SIGNED_OUT && j_state != REFUSED && SIGN_IN(r_token) == j_sign_in)
#define CALM (stage[p] != 0) /* nothing fails any more */

/* R7, R16: no newer record is replaced by an older one, none of a later sign-in by one of an earlier. */
inline check_write(token) {
  assert(landed || SIGN_IN(r_token) <= SIGN_IN(token));
  assert(landed || !NEWER(r_token, token))
}

/* ------------------------------------------------------------------ the server */

/* A post arrives. */
inline serve(token, answer, successor) {
  if
  :: revoked[SIGN_IN(token)] -> answer = REFUSAL
  :: else ->
     if
     :: token == newest[SIGN_IN(token)] -> newest[SIGN_IN(token)]++; successor = newest[SIGN_IN(token)]; answer = OKAY
#if GRACE == 1
     :: token + 1 == newest[SIGN_IN(token)] -> successor = newest[SIGN_IN(token)]; answer = OKAY
     :: token + 1 < newest[SIGN_IN(token)] ->
#elif GRACE == 2
     :: token + 1 == newest[SIGN_IN(token)] -> newest[SIGN_IN(token)]++; successor = newest[SIGN_IN(token)]; answer = OKAY
     :: token + 1 < newest[SIGN_IN(token)] ->
#else
     :: token < newest[SIGN_IN(token)] ->
#endif
        answer = REFUSAL;
        revoked[SIGN_IN(token)] = !FORGIVES;
#if GRACE == 1
        assert(unsaved_twice || (VANISHED > 0 && excused))  /* a server with grace never ends a sign-in */
#elif GRACE == 2
        assert(unsaved_twice || troubles > 1)  /* a server with grace never ends a sign-in */
#else
        assert(excused)        /* R2: a token is sent again only where its answer was lost */
#endif
     fi
  fi
}

/* ------------------------------------------------------------------ store calls, each by the turn of process p */

inline load() {
  if
  :: atomic { !LATE(p) -> rg = r_gen; rt = r_token; failed = false; landed = false }
  :: atomic { !LATE(p) && loadfaults > 0 && !CALM -> loadfaults--; rg = 0; rt = 0; failed = true }
  :: atomic { LATE(p) -> rg = 0; rt = 0; failed = true } /* the store takes no other call */
  fi
}
inline be_late(call, gen, token) {
  !LATE(p) && late_call == NONE && hangs > 0 && !CALM -> hangs--;
  late_call = call; late_owner = p + 1; late_gen = gen; late_token = token; result = OVERDUE
}
inline note_saved(token) {
  if :: saved[SIGN_IN(token)] < token -> saved[SIGN_IN(token)] = token :: else fi
}
inline save(gen, token) {
  if
  :: atomic { !LATE(p) -> check_write(token); r_gen = gen; r_token = token; note_saved(token); result = OKAY }
  :: atomic { !LATE(p) && faults > 0 && !CALM -> faults--; result = ERROR }
  :: atomic { be_late(SAVE, gen, token) }
  :: LATE(p) -> result = ERROR
  fi
}
inline erase(sign_in) {
  if
  :: atomic { !LATE(p) -> assert(landed || SIGN_IN(r_token) <= sign_in); r_gen = 0; r_token = 0; result = OKAY }
  :: atomic { !LATE(p) && faults > 0 && !CALM -> faults--; result = ERROR }
  :: atomic { be_late(ERASE, 0, TOKEN(sign_in, 0)) }
  :: LATE(p) -> result = ERROR
  fi
}

/* ------------------------------------------------------------------ memory and journal */

inline forget() { m_gen[p] = 0; m_token[p] = 0; m_unsaved[p] = false }
inline end_life() { living[p] = 0 }
inline note_saved_head() { /* the record is the head's */
  m_unsaved[p] = false; keeps[p] = false;
  if :: j_state == ANSWERED -> j_state = IDLE :: else fi;
  j_writer = 0; end_life()
}
inline note_unsaved_head() {
  living[p] = ME; j_writer = ME; m_unsaved[p] = true;
  if :: j_gen < m_gen[p] -> j_gen = m_gen[p]; j_head = m_token[p] :: else fi;
  if :: j_reserved < j_gen -> j_reserved = j_gen :: else fi;
  if :: j_state == IDLE -> j_state = ANSWERED :: else fi
}
/* A look without memory of a head: the journal was deleted. What the store holds is the head, or what memory holds of the same sign-in where that is
 * newer. */
inline adopt_head() {
  if
  :: rt == 0 && m_token[p] == 0 -> skip
  :: else ->
     j_state = IDLE; j_writer = 0;
     if
     :: m_token[p] != 0 && (rt == 0 || (SIGN_IN(m_token[p]) == SIGN_IN(rt) && m_gen[p] > rg)) ->
        j_sign_in = SIGN_IN(m_token[p]); j_gen = m_gen[p]
     :: else -> j_sign_in = SIGN_IN(rt); j_gen = rg
     fi;
     j_reserved = j_gen;
     j_head = (j_sign_in == SIGN_IN(rt) && j_gen == rg -> rt : m_token[p])
  fi
}
/* R16: another sign-in is current, or none. */
inline end_other_sign_in() {
  if
  :: m_token[p] != 0 && j_sign_in != 0 && (j_state == SIGNED_OUT || SIGN_IN(m_token[p]) != j_sign_in) ->
     if :: m_unsaved[p] -> revoked[SIGN_IN(m_token[p])] = true :: else fi;
     forget(); keeps[p] = false; end_life()
  :: else
  fi
}
#define ADOPTABLE(state, sign_in, hash) (!failed && rt != 0 && SIGN_IN(rt) == (sign_in) && (state) != SIGNED_OUT && \
   !((state) == REFUSED && rt == (hash)) && (m_token[p] == 0 || rg > m_gen[p]))
/* What the store holds (ti_adopt_locked): the head, or older; and the same refresh token is no older one. */
inline adopt() {
  m_token[p] = rt; m_unsaved[p] = false;
  m_gen[p] = (rt == j_head && rg < j_gen -> j_gen : rg)
}
inline adopt_in_turn() {
  adopt();
  if
  :: rg >= j_gen -> j_gen = rg; j_head = rt; j_writer = 0;
     if :: j_reserved < rg -> j_reserved = rg :: else fi;
     if :: j_state == ANSWERED -> j_state = IDLE :: else fi
  :: else
  fi
}

proctype Process(byte p) {
  byte kind, ops = OPS, final, rg, rt, result, answer, successor, n, rereads, grants, ended, tries = 0;
  bool failed, stale, adopted, was_tried, held, took_over, somebody;

life: {
  /* The first load: the journal, then the record, without the lock (ti_turn_look_locked, ti_persist_load_locked). */
  if
  :: m_token[p] == 0 -> somebody = IS_SIGNED_IN
  :: else -> goto next
  fi;
look:
  atomic {
    result = j_state; ended = j_sign_in; n = j_hash; answer = LIVES(j_writer);
    if :: j_state == SIGNED_OUT || (j_writer != 0 && !LIVES(j_writer)) -> watch[p] = true :: else fi };
  load();
  atomic {
    if
#ifdef M_LOADBLIND
    :: !failed && rt != 0 -> adopt(); assert(SIGN_IN(rt) == ended)                            /* R16 */
#else
    :: ADOPTABLE(result, ended, n) -> adopt()
#endif
#ifndef M_LOADONCE
    :: !failed && rt != 0 && SIGN_IN(rt) != ended && !stale -> stale = true; goto look /* between the two somebody signed in */
#endif
    :: else -> assert(failed || !somebody || !IS_SIGNED_IN || user_left || answer || result == REFUSED || VANISHED > 0) /* nobody is signed out by a race */
    fi;
    result = 0; ended = 0; n = 0; answer = 0; rg = 0; rt = 0; failed = false; stale = false; somebody = false };

next:
  do
  :: atomic { stage[p] == 0 && ops > 0 ->
       ops--;
       if
       :: kind = LOOK
       :: kind = NEED
       :: m_unsaved[p] -> kind = TIMER
       :: signout_left && SIGN_IN(m_token[p]) == 1 -> signout_left = false; kind = OUT;
          ended = 1; forget(); keeps[p] = false                                            /* memory ends at once */
#if USERS >= 3
       :: signin_left -> signin_left = false; kind = IN
#else
       :: signin_left && !signout_left && user == 0 -> signin_left = false; kind = IN
#endif
       fi }
     goto turn
  :: atomic { stage[p] == 0 && ops == 0 -> stage[p] = 1;
       if :: m_unsaved[p] || watch[p] || keeps[p] -> kind = LOOK; goto turn :: else fi }
  :: atomic { stage[p] == 1 && stage[1 - p] >= 1 && !at_work[1 - p] && late_call == NONE && on_the_way == 0 ->
       /* the last look, 30 s later, by those who have reason to */
       crashes = 0; stage[p] = 2;
       if :: m_unsaved[p] || watch[p] -> watch[p] = false; kind = LOOK; goto turn :: else fi }
  :: atomic { stage[p] == 2 -> stage[p] = 3 }
  :: atomic { stage[p] == 3 && stage[1 - p] >= 3 ->
       /* R5, R7: where the head is in somebody's memory, it is in the store; what is signed out is not */
       assert(stage[1 - p] > 3 || !IS_HEAD(p) || r_token == m_token[p] || (VANISHED > 0 && r_token == 0));
       assert(stage[1 - p] > 3 || j_state != SIGNED_OUT || SIGN_IN(r_token) != j_sign_in);
       stage[p] = 4; kind = NEED; goto turn }
  :: atomic { stage[p] == 4 ->
       /* a token; or the truth: signed out; B died unsaved; or an excused loss */
       if :: final == ERROR && tries == 0 -> tries++; (stage[1 - p] >= 5); kind = NEED; goto turn :: else fi;
       assert(final == OKAY || (final == ERROR && VANISHED > 0 && excused) || (final == REFUSAL && VANISHED > 0 && excused) || (final == REFUSAL &&
          (user == 0 || (user == 2 && saved[2] == 0 && CRASHES > 0) || (GRACE == 0 && excused) || unsaved_twice || (GRACE == 2 && troubles > 1))));
       final = 0; stage[p] = 5 }
  :: atomic { stage[p] == 5 && stage[1 - p] >= 5 -> stage[p] = 6; kind = LOOK; goto turn }
  :: stage[p] == 6 -> break
  od;
  goto rest;

turn: /* ti_turn_take_locked */
#ifdef M_NOLOCK
  atomic { at_work[p] = true;
#else
  atomic { lock == 0 || (lock == p + 1 && (LATE(p) || keeps[p]) && !at_work[p]) -> lock = p + 1; at_work[p] = true;
#endif
    if :: stage[p] < 2 && (j_state == SIGNED_OUT || (j_writer != 0 && !LIVES(j_writer))) -> j_watch = true :: else fi;
#ifdef M_NOWATCH
#elif defined(M_OWNWATCH)
    if :: stage[p] < 2 && (j_state == SIGNED_OUT || (j_writer != 0 && !LIVES(j_writer))) -> watch[p] = true :: else fi;
#else
    if :: j_watch && stage[p] < 2 -> watch[p] = true :: else fi;
#endif
    end_other_sign_in();
    if
    :: keeps[p] -> /* what could not be written after the answer */
       j_state = ANSWERED; j_sign_in = SIGN_IN(m_token[p]); j_gen = m_gen[p]; j_head = m_token[p]; j_writer = ME; j_hash = 0; j_tried = false; keeps[p] = false
    :: else
    fi;
    if
    :: kind == OUT -> goto sign_out
    :: kind == IN -> goto sign_in
    :: else
    fi };
  load();
  atomic {
    if :: !failed && j_sign_in == 0 -> adopt_head(); end_other_sign_in() :: else fi;
    adopted = false;
#ifdef M_MARKGIVES
    if :: j_state == SIGNED_OUT && rt != 0 -> j_state = IDLE :: else fi;
#endif
    if
#ifdef M_NOADOPT
    :: m_token[p] == 0 && ADOPTABLE(j_state, j_sign_in, j_hash) -> adopt_in_turn(); adopted = true
#else
    :: ADOPTABLE(j_state, j_sign_in, j_hash) -> adopt_in_turn(); adopted = true
#endif
#ifdef M_ADOPTANY
    :: !failed && rt != 0 && j_state != SIGNED_OUT && SIGN_IN(rt) != SIGN_IN(m_token[p]) && !m_unsaved[p] -> adopt(); j_sign_in = SIGN_IN(rt); adopted = true
#endif
#ifdef M_VANISHOUT
    :: !failed && rt == 0 && m_token[p] != 0 -> forget()
#endif
    :: else
    fi;
    if
    :: m_token[p] != 0 && j_sign_in != 0 && m_gen[p] > j_gen -> note_unsaved_head() /* the journal was lost */
    :: else
    fi;
    stale = (m_token[p] != 0 && m_gen[p] < j_gen);
    if
    :: j_state == SIGNED_OUT -> final = REFUSAL;
       if :: !failed && rt != 0 && SIGN_IN(rt) == j_sign_in -> goto erase_again :: else -> goto give fi
    :: j_state != SIGNED_OUT && m_token[p] == 0 ->
       if
       :: failed || (ANOTHER_LIVES && SIGN_IN(rt) != j_sign_in) -> final = ERROR
       :: else -> final = REFUSAL
       fi;
       goto give
#ifdef M_REFUSEDHASH
    :: j_state == REFUSED && m_token[p] != 0 && j_hash == m_token[p] -> final = REFUSAL; forget(); goto give
#else
    :: j_state == REFUSED && m_token[p] != 0 && (j_hash == m_token[p] || stale) ->
       if :: failed && stale -> final = ERROR :: else -> final = REFUSAL; forget() fi;
       goto give
#endif
    :: else
    fi };
  if
  :: !stale && !failed && (m_unsaved[p] || SIGN_IN(rt) != SIGN_IN(m_token[p]) || rg < m_gen[p]) ->
     /* ti_persist_save_locked: not saved yet, lost, or an older one came back */
#ifdef M_QUIETSAVE
     m_unsaved[p] = true;
#else
     atomic { note_unsaved_head() };
#endif
     save(m_gen[p], m_token[p]);
     if :: atomic { result == OKAY -> note_saved_head() } :: else fi
  :: else
  fi;
  atomic {
    if
    :: kind == LOOK -> goto give
    :: kind != LOOK && adopted -> final = OKAY; goto give    /* it will do ... */
    :: kind != LOOK && adopted -> skip                       /* ... or is over already, or refused */
    :: kind != LOOK && !adopted -> skip
    fi;
    final = ERROR;
    if
#ifndef M_IGNOREHEAD
    :: stale && ANOTHER_LIVES -> goto give    /* STORE_UNAVAILABLE */
#endif
#ifndef M_NOLOADF
    :: stale && failed -> goto give
#endif
#ifndef M_ROLLEDBACK
    :: stale && j_writer == 0 -> goto give    /* R7: it was saved, and is lost; whoever has it saves it again */
#endif
#ifndef M_BLINDPOST
    :: j_sign_in == 0 -> goto give            /* no head is known */
#endif
#ifndef M_TIMER
    :: kind == TIMER && m_unsaved[p] -> goto give  /* R5 */
#endif
    :: else
    fi;
    grants = 0 };

post:
  atomic { /* POSTED, durable */
    n = m_token[p]; took_over = (stale && !failed && j_writer != 0 && !LIVES(j_writer));
    was_tried = j_tried && j_hash == n;
    j_tried = was_tried || (j_state == POSTED && j_hash == n) || stale;
    j_state = POSTED; j_hash = n;
    if :: stale -> j_gen = m_gen[p]; j_head = n; j_writer = 0 :: else fi; /* the head falls back to it */
    if :: j_reserved < j_gen -> j_reserved = j_gen :: else fi;
#ifdef M_NORESERVE
    j_reserved = m_gen[p] + 1
#else
    j_reserved++
#endif
    };
  atomic { /* the grant */
    assert(flights[SIGN_IN(n)] == 0);                                                       /* R1 */
    assert(took_over || landed || !NEWER(r_token, n));                                                    /* R2: the store has the successor */
    assert(took_over || dead[1 - p] || blind_unsaved || !NEWER(m_token[1 - p], n));                                       /* R2: a living process has it */
    assert(m_gen[p] == j_gen && n == j_head);                                                     /* R2: only the head's is posted */
    assert(j_state == POSTED && j_hash == n);                                               /* ... and announced */
    assert(!(kind == TIMER && m_unsaved[p]));                                               /* R5 */
    if :: m_unsaved[p] -> unsaved_twice = true :: else fi;
    flights[SIGN_IN(n)]++; flies[p] = SIGN_IN(n); grants++;
    if
    :: serve(n, answer, successor)
#ifdef M_RESEND
    :: losses > 0 && !CALM -> losses--; serve(n, answer, successor); serve(n, answer, successor) /* libcurl, on a reused connection */
#endif
    :: losses > 0 && !CALM -> losses--; answer = ERROR                                       /* no connection was made */
    :: lateposts > 0 && !CALM -> lateposts--; on_the_way = n; LOST; answer = UNKNOWN /* no answer in time */
    fi };
  atomic {
    if
    :: answer != UNKNOWN && answer != ERROR && losses > 0 && !CALM -> losses--; LOST;
#ifdef M_NOTSENT
       answer = ERROR
#else
       answer = UNKNOWN
#endif
    :: skip
    fi;
    flights[SIGN_IN(n)]--; flies[p] = 0; held = false;
    if
    :: answer == OKAY -> goto answered
    :: answer == REFUSAL -> rereads = 0
#ifdef M_REFUSE5XX
    :: answer == UNKNOWN -> rereads = 0
#else
    :: answer == UNKNOWN -> j_tried = true; final = ERROR; goto give
#endif
    :: answer == ERROR -> j_tried = was_tried; if :: j_writer != 0 -> j_state = ANSWERED :: else -> j_state = IDLE fi; final = ERROR; goto give
    fi };

reread: /* ti_refresh_reread_locked: at once, after 0.5 s, after 2 s */
  atomic { if :: rereads == 2 -> held = (NEWER(r_token, n)) :: else fi };
#ifdef M_NOREREAD
  failed = true;
#else
#ifdef M_REREADONCE
  if :: rereads == 0 -> load() :: else -> failed = true fi;
#else
  load();
#endif
#endif
  atomic {
    if
    :: !failed && SIGN_IN(rt) == SIGN_IN(n) && rt != n && rg > m_gen[p] && grants < 3 -> adopt_in_turn(); stale = (m_gen[p] < j_gen); goto post
    :: else -> rereads++; if :: rereads < 3 -> goto reread :: else fi
    fi;
    assert(answer == REFUSAL);                                                              /* R6: the server's refusal */
    assert(!held || (failed && LOADFAULTS > 0) || VANISHED > 0); /* R6: the store held no other */
    assert(took_over || dead[1 - p] || blind_unsaved || !NEWER(m_token[1 - p], n));
    assert(newest[SIGN_IN(n)] == n || user != SIGN_IN(n) || j_tried || blind || unsaved_twice || (VANISHED > 0 && excused));               /* the error says that an answer was lost */
    j_state = REFUSED; j_writer = 0; forget(); end_life(); final = REFUSAL; goto give };

answered:
  atomic {
    if
    :: jfaults > 0 && !CALM -> jfaults--;
#ifndef M_JFAILUNLOCK
       keeps[p] = true;
#endif
       living[p] = ME
    :: j_state = ANSWERED; j_gen = j_reserved; j_head = successor; j_writer = ME; j_hash = 0; j_tried = false; living[p] = ME
    fi;
    m_gen[p] = j_reserved; m_token[p] = successor; m_unsaved[p] = true;
    assert(first_use[8 * (SIGN_IN(n) - 1) + j_reserved] == 0 || first_use[8 * (SIGN_IN(n) - 1) + j_reserved] == successor);  /* R7: never used twice */
    first_use[8 * (SIGN_IN(n) - 1) + j_reserved] = successor;
#ifdef M_PUBFIRST
    assert(saved[SIGN_IN(successor)] >= successor || result == ERROR);
#endif
    result = 0 };
  save(m_gen[p], m_token[p]);
  atomic {
    if :: result == OKAY -> j_sign_in = SIGN_IN(m_token[p]); j_gen = m_gen[p]; j_head = m_token[p]; j_state = ANSWERED; j_hash = 0; j_tried = false; note_saved_head() :: else fi;
    final = OKAY; /* publish */
    assert(saved[SIGN_IN(m_token[p])] >= m_token[p] || m_unsaved[p]);                        /* R5 */
    goto give };

erase_again:
  erase(j_sign_in);
  goto give;

sign_out:
  atomic {
    if
#ifndef M_NOCOMPARE
    :: j_sign_in != ended && j_sign_in != 0 -> goto give    /* the head is another's: only what was ours ends */
#endif
    :: else -> j_state = SIGNED_OUT; j_sign_in = ended; j_writer = 0; end_life(); if :: user == ended -> user = 0; user_left = true :: else fi
    fi };
  if :: revoked[ended] = true :: skip /* offline */ fi;
  load();
  if
#ifdef M_NOCOMPARE
  :: !failed && rt != 0 -> erase(ended)
#else
  :: !failed && rt != 0 && SIGN_IN(rt) == ended -> erase(ended)
#endif
  :: else
  fi;
  watch[p] = true; /* also where it failed: tried again */
  goto give;

sign_in:
#ifdef M_SAVEFIRST
  atomic { newest[2] = TOKEN(2, 1); user = 2 };
  save(1, TOKEN(2, 1));
#endif
  atomic {
    newest[2] = TOKEN(2, 1); user = 2;
    j_state = ANSWERED; j_sign_in = 2; j_gen = 1; j_reserved = 1; j_head = TOKEN(2, 1); j_writer = ME; j_hash = 0; j_tried = false; living[p] = ME;
    m_gen[p] = 1; m_token[p] = TOKEN(2, 1); m_unsaved[p] = true; keeps[p] = false;
#ifndef M_NOWATCH
    watch[p] = true /* a late erase of the one before */
#endif
    };
  save(1, TOKEN(2, 1));
  atomic { if :: result == OKAY -> note_saved_head() :: else fi; goto give };

give: /* ti_turn_give_locked */
  atomic {
    at_work[p] = false;
#ifdef M_LIFESHORT
    end_life();
#endif
    if
#ifndef M_HANGUNLOCK
    :: LATE(p) || keeps[p] -> skip /* the lock stays */
#endif
    :: else -> if :: lock == p + 1 -> lock = 0 :: else fi
    fi;
    if :: stage[p] != 4 -> final = 0 :: else fi;
    kind = 0; rg = 0; rt = 0; result = 0; answer = 0; successor = 0; n = 0; rereads = 0; grants = 0; ended = 0;
    failed = false; stale = false; adopted = false; was_tried = false; held = false; took_over = false; somebody = false };
  goto next;
rest:
  skip
  } unless {
    atomic { dead[p] ->
      if :: lock == p + 1 -> lock = 0 :: else fi;
      if :: LATE(p) -> if :: late_call = NONE; late_gen = 0; late_token = 0 :: SURVIVES -> skip fi; late_owner = 0 :: else fi;
      if :: flies[p] != 0 -> flights[flies[p]]--; flies[p] = 0 :: else fi;
      at_work[p] = false; keeps[p] = false; forget(); watch[p] = false; end_life(); incarnation[p]++; dead[p] = false;
      kind = 0; final = 0; rg = 0; rt = 0; result = 0; answer = 0; successor = 0; n = 0; rereads = 0; grants = 0; ended = 0;
      failed = false; stale = false; adopted = false; was_tried = false; held = false; took_over = false; somebody = false;
      tries = 0; stage[p] = 0; if :: ops == 0 -> ops = 1 :: else fi;
      goto life }
  }
}

/* ------------------------------------------------------------------ what goes wrong */

/* A store's overdue calls come back: done, or failed after all (persist.c came_back). */
active proctype Keyring() {
end:
  do
  :: atomic { late_call != NONE ->
       if
       :: late_call == SAVE ->
          if :: late_owner != 0 -> check_write(late_token) :: else -> landed = true fi;
          r_gen = late_gen; r_token = late_token; note_saved(late_token)
       :: late_call == ERASE ->
          if :: late_owner != 0 -> assert(SIGN_IN(r_token) <= SIGN_IN(late_token)) :: else -> landed = true fi;
          r_gen = 0; r_token = 0
       :: late_token = 0 /* it failed */
       fi;
       if
       :: late_owner != 0 && !at_work[late_owner - 1] ->
          if
          :: late_call == SAVE && late_token != 0 && m_token[late_owner - 1] == late_token && m_gen[late_owner - 1] == late_gen && j_writer == living[late_owner - 1] ->
             m_unsaved[late_owner - 1] = false; j_writer = 0; living[late_owner - 1] = 0;
             if :: j_state == ANSWERED -> j_state = IDLE :: else fi
          :: else
          fi;
          if :: lock == late_owner && !keeps[late_owner - 1] -> lock = 0 :: else fi
       :: else
       fi;
       late_call = NONE; late_owner = 0; late_gen = 0; late_token = 0 }
  od
}
active proctype Network() {
  byte answer, successor;
end:
  do
  :: atomic { on_the_way != 0 ->
       if
       /* with grace: within its time */
       :: GRACE == 0 || on_the_way + 1 >= newest[SIGN_IN(on_the_way)] -> serve(on_the_way, answer, successor)
       :: skip
       fi;
       on_the_way = 0; answer = 0; successor = 0 }
  od
}
active proctype World() {
end:
  do
  :: atomic { crashes > 0 && stage[0] == 0 -> crashes--; dead[0] = true; LOST }
#ifdef CRASHBOTH
  :: atomic { crashes > 0 && stage[1] == 0 -> crashes--; dead[1] = true; LOST }
#endif
  :: atomic { vanished > 0 && stage[0] == 0 -> vanished--; r_gen = 0; r_token = 0 }
  :: atomic { jlosses > 0 && lock == 0 && stage[0] == 0 ->
       jlosses--; blind = true;
       if :: m_unsaved[0] || m_unsaved[1] -> blind_unsaved = true; LOST :: else fi;
       j_state = IDLE; j_sign_in = 0; j_gen = 0; j_reserved = 0; j_writer = 0; j_hash = 0; j_head = 0; j_tried = false; j_watch = false }
  :: atomic { stage[0] == 6 && stage[1] == 6 && !at_work[0] && !at_work[1] ->
       assert(lock == 0);
       assert(r_token == 0 || SIGN_IN(r_token) == user || (user == 2 && CRASHES > 0));
       assert((!IS_HEAD(0) || r_token == m_token[0]) && (!IS_HEAD(1) || r_token == m_token[1]));
       assert(user != 2 || CRASHES > 0 || revoked[2] || SIGN_IN(r_token) == 2);
       break }
  od
}
init {
  atomic {
    newest[1] = TOKEN(1, 1); saved[1] = TOKEN(1, 1); first_use[1] = TOKEN(1, 1);
    m_gen[0] = 1; m_token[0] = TOKEN(1, 1);
    if :: !FRESH -> m_gen[1] = 1; m_token[1] = TOKEN(1, 1) :: else fi;
    run Process(0); run Process(1) }
}
