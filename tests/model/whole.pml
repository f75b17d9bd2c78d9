/*
 * Waiters with deadlines and the record together, as small as that can be: two processes, in each a request that meets a 401 and a worker,
 * between them the turn, the journal and the record. The process 0 may die; a save may fail; an answer may be lost.
 *
 * flight.pml has the waiting in full, record.pml the record; here is what only both together can show: that whoever waits in one process
 * is answered whatever becomes of the other, and that a 401 in one process starts no grant after the other got a newer token (R3).
 * FOREVER: process 0 may stop with the turn. M_...: mutants.
 */
#ifndef REVOKES
#define REVOKES 1
#endif
#ifndef FAULTS
#define FAULTS 1
#endif
#ifndef LOSSES
#define LOSSES 0
#endif
#ifndef CRASHES
#define CRASHES 0
#endif
#ifndef FOREVER
#define FOREVER 0
#endif
#define OKAY 1
#define ERROR 2
#define LATE 3

byte newest = 1, accepted = 1;            /* the token endpoint; the API */
byte r_gen = 1;                           /* the record */
byte j_gen = 1, j_writer = 0;             /* the head; its writer, from 1 */
byte turn = 0;
byte m_gen[2] = 1;
bool m_unsaved[2], alive[2], patient[2];
byte wanted[2], attempt[2], failed[2];
bool flying[2], waiting[2], woken[2];
byte outcome[2];
byte revokes = REVOKES, faults = FAULTS, losses = LOSSES, crashes = CRASHES, forever_left = FOREVER;
bool halted = false;
byte flights = 0, grants = 0, excuses = 0; /* ghosts */

proctype Request(byte p) {
  byte token, join, sends = 0;

  token = m_gen[p];
send:
  if
  :: atomic { !alive[p] -> waiting[p] = false; goto done }
  :: atomic { alive[p] && token >= accepted -> outcome[p] = OKAY; goto done }
  :: atomic { alive[p] && token < accepted ->
       sends++;
       if :: sends == 3 -> outcome[p] = ERROR; goto done :: else fi;
       join = (flying[p] -> attempt[p] : attempt[p] + 1) }
  fi;
look:
  atomic {
    waiting[p] = false;
    if
    :: m_gen[p] > token -> token = m_gen[p]; goto send
    :: m_gen[p] <= token && failed[p] >= join -> outcome[p] = ERROR; goto done
    :: else -> if :: wanted[p] <= token -> wanted[p] = token + 1 :: else fi; waiting[p] = true; woken[p] = false
    fi };
  if
  :: atomic { woken[p] -> goto look }
  :: atomic { p == 0 -> waiting[p] = false; outcome[p] = LATE; goto done } /* the flight goes on */
  :: atomic { !alive[p] -> waiting[p] = false }
  fi;
done:
  skip
}

proctype Worker(byte p) {
  bool failing, holds;
end:
  {
  do
  :: atomic { turn == 0 && (wanted[p] > m_gen[p] || m_unsaved[p]) -> turn = p + 1 };
     if :: atomic { p == 0 && forever_left > 0 -> forever_left--; halted = true; goto hang } :: skip fi;
     atomic {
       if :: wanted[p] > m_gen[p] -> flying[p] = true; attempt[p]++; flights++; holds = true; assert(flights == 1) :: else fi; /* R1 */
       if
#ifndef M_NOADOPT
       :: r_gen > m_gen[p] -> m_gen[p] = r_gen; m_unsaved[p] = false
#endif
       :: else
       fi };
     if
     :: m_unsaved[p] ->
        if
        :: atomic { assert(r_gen <= m_gen[p]); r_gen = m_gen[p]; m_unsaved[p] = false; if :: j_gen == m_gen[p] -> j_writer = 0 :: else fi }
        :: atomic { faults > 0 -> faults-- }
        fi
     :: else
     fi;
     failing = false;
     if
     :: holds && wanted[p] > m_gen[p] ->
        if
#ifndef M_IGNOREHEAD
        :: m_gen[p] < j_gen && j_writer != 0 && j_writer != p + 1 && alive[j_writer - 1] -> failing = true /* STORE_UNAVAILABLE */
        :: !(m_gen[p] < j_gen && j_writer != 0 && j_writer != p + 1 && alive[j_writer - 1]) ->
#else
        :: true ->
#endif
           atomic { /* the grant: POSTED, and what the server makes of it; it gives the predecessor the same successor (grace) */
             assert(!(m_gen[1 - p] > m_gen[p] && alive[1 - p]));                         /* R2 */
             assert(m_gen[p] < accepted || accepted > newest);                           /* R3: what was refused is current */
             grants++;
             if :: m_gen[p] == newest -> newest++ :: else fi };
           if
           :: atomic { j_gen = newest; j_writer = p + 1; m_gen[p] = newest; m_unsaved[p] = true };
              if
              :: atomic { r_gen = m_gen[p]; m_unsaved[p] = false; j_writer = 0 }
              :: atomic { faults > 0 -> faults-- }
              fi
           :: atomic { losses > 0 -> losses--; excuses++; failing = true }
           fi
        fi
     :: else
     fi;
     atomic { /* end of the flight, and of the turn */
       if
       :: holds ->
          flights--; flying[p] = false; holds = false;
          if :: failing -> failed[p] = attempt[p]; wanted[p] = 0; failing = false :: else fi;
#ifndef M_NOWAKE
          woken[p] = true
#else
          if :: failed[p] != attempt[p] -> woken[p] = true :: else fi
#endif
       :: else
       fi;
       turn = 0 }
  :: atomic { turn == 2 - p && halted && wanted[p] > m_gen[p] ->                        /* out of patience */
#ifndef M_NOPATIENCE
       attempt[p]++; failed[p] = attempt[p]; wanted[p] = 0; woken[p] = true
#else
       skip
#endif
     }
  od;
hang:
  false
  } unless {
    atomic { !alive[p] ->
      if :: holds -> flights-- :: else fi;
      flying[p] = false; m_gen[p] = 0; m_unsaved[p] = false; wanted[p] = 0;
#ifndef M_LOCKSTAYS
      if :: turn == p + 1 -> turn = 0 :: else fi;
#endif
      halted = false }
  }
}
active proctype World() {
end:
  do
  :: atomic { revokes > 0 -> revokes--; accepted = newest + 1 }
  :: atomic { crashes > 0 -> crashes--; excuses++; alive[0] = false }
  od
}
active proctype Keeper() {
  /* R3, and one refresh for everyone: no more grants than refusals, lost answers and deaths */
end:
  atomic { grants > REVOKES + excuses -> assert(false) }
}
init { atomic { alive[0] = true; alive[1] = true; run Worker(0); run Worker(1); run Request(0); run Request(1) } }

ltl wake { [] (waiting[0] -> <> !waiting[0]) && [] (waiting[1] -> <> !waiting[1]) }
