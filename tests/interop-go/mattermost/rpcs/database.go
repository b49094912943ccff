package rpcs

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"maps"
	"sync"

	"github.com/lib/pq"

	"interop/mattermost/generated/plugin"
	generated "interop/mattermost/generated/pq"
)

// Database is the server's SQL driver: connections of a pool, and what is opened on them, by ids that the caller is trusted with.
// Where a real server would crash since it looks an id up without a check, this one makes a note, which State gives.
type Database struct {
	pool *sql.DB

	mutex sync.Mutex
	count int
	conns map[string]*sql.Conn
	txs   map[string]driver.Tx
	stmts map[string]driver.Stmt
	rows  map[string]driver.Rows
	wrong []string
	calls map[string]int
}

// DatabaseState is what is open, and what went wrong.
type DatabaseState struct {
	// Connections, Transactions, Statements and Rows count what the plugin has open.
	Connections, Transactions, Statements, Rows int
	// InUse is how many connections the pool misses.
	InUse int
	// Wrong are the calls that would have crashed a real server.
	Wrong []string
	// Calls counts all calls by method.
	Calls map[string]int
}

var errNoDatabase = errors.New("this server has no database")

func noDatabase() *Database {
	return &Database{
		conns: map[string]*sql.Conn{},
		txs:   map[string]driver.Tx{},
		stmts: map[string]driver.Stmt{},
		rows:  map[string]driver.Rows{},
		wrong: []string{},
		calls: map[string]int{},
	}
}

// OpenDatabase connects to a PostgreSQL. The pool has so many connections at most.
func OpenDatabase(dsn string, connections int) (*Database, error) {
	pool, err := sql.Open("postgres", dsn)
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(connections)
	d := noDatabase()
	d.pool = pool
	return d, pool.Ping()
}

// State tells how things are.
func (d *Database) State() DatabaseState {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	state := DatabaseState{
		Connections: len(d.conns), Transactions: len(d.txs), Statements: len(d.stmts), Rows: len(d.rows),
		Wrong: append([]string{}, d.wrong...), Calls: maps.Clone(d.calls),
	}
	if d.pool != nil {
		state.InUse = d.pool.Stats().InUse
	}
	return state
}

// Service is what plugins call.
func (d *Database) Service() any {
	return &databaseServer{d}
}

// add gives something an id.
func add[T any](d *Database, into map[string]T, it T) string {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.count++
	id := fmt.Sprintf("%026d", d.count)
	into[id] = it
	return id
}

// find looks an id up, and takes it away if it ends with this.
func find[T any](d *Database, method string, from map[string]T, id string, ends bool) (T, error) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.calls[method]++
	it, ok := from[id]
	if !ok {
		d.wrong = append(d.wrong, method)
		return it, errors.New("this would have crashed the server")
	}
	if ends {
		delete(from, id)
	}
	return it, nil
}

// note notes what would have crashed the server.
func (d *Database) note(format string, args ...any) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.wrong = append(d.wrong, fmt.Sprintf(format, args...))
}

// raw does something with the driver's own connection; an unknown id is a bad connection, and no more.
func (d *Database) raw(method, id string, do func(any) error) error {
	d.mutex.Lock()
	d.calls[method]++
	conn, ok := d.conns[id]
	d.mutex.Unlock()
	if !ok {
		return driver.ErrBadConn
	}
	return conn.Raw(do)
}

// encodable is the error as it travels.
func encodable(err error) error {
	var postgres *pq.Error
	if !errors.As(err, &postgres) {
		return plugin.EncodableError(err)
	}
	it := *postgres
	return &generated.Error{
		Severity: it.Severity, Code: generated.ErrorCode(it.Code), Message: it.Message, Detail: it.Detail, Hint: it.Hint,
		Position: it.Position, InternalPosition: it.InternalPosition, InternalQuery: it.InternalQuery, Where: it.Where,
		Schema: it.Schema, Table: it.Table, Column: it.Column, DataTypeName: it.DataTypeName, Constraint: it.Constraint,
		File: it.File, Line: it.Line, Routine: it.Routine,
	}
}

func container(result driver.Result) plugin.ResultContainer {
	var c plugin.ResultContainer
	var err error
	c.LastID, err = result.LastInsertId()
	c.LastIDError = encodable(err)
	c.RowsAffected, err = result.RowsAffected()
	c.RowsAffectedError = encodable(err)
	return c
}

// databaseServer is the net/rpc service; net/rpc wants its methods to be like this.
type databaseServer struct {
	d *Database
}

func (s *databaseServer) Conn(_ bool, returns *plugin.Z_DbStrErrReturn) error {
	if s.d.pool == nil {
		returns.B = encodable(errNoDatabase)
		return nil
	}
	conn, err := s.d.pool.Conn(context.Background())
	if returns.B = encodable(err); err == nil {
		returns.A = add(s.d, s.d.conns, conn)
	}
	return nil
}

func (s *databaseServer) ConnPing(id string, returns *plugin.Z_DbErrReturn) error {
	err := s.d.raw("ConnPing", id, func(conn any) error { return conn.(driver.Pinger).Ping(context.Background()) })
	returns.A = encodable(err)
	return nil
}

func (s *databaseServer) ConnClose(id string, returns *plugin.Z_DbErrReturn) error {
	s.d.mutex.Lock()
	conn, ok := s.d.conns[id]
	delete(s.d.conns, id)
	s.d.mutex.Unlock()
	if !ok {
		returns.A = encodable(driver.ErrBadConn)
		return nil
	}
	returns.A = encodable(conn.Close())
	return nil
}

func (s *databaseServer) ConnQuery(args *plugin.Z_DbConnArgs, returns *plugin.Z_DbStrErrReturn) error {
	err := s.d.raw("ConnQuery", args.A, func(conn any) error {
		rows, err := conn.(driver.QueryerContext).QueryContext(context.Background(), args.B, args.C)
		if err == nil {
			returns.A = add(s.d, s.d.rows, rows)
		}
		return err
	})
	returns.B = encodable(err)
	return nil
}

func (s *databaseServer) ConnExec(args *plugin.Z_DbConnArgs, returns *plugin.Z_DbResultContErrReturn) error {
	err := s.d.raw("ConnExec", args.A, func(conn any) error {
		result, err := conn.(driver.ExecerContext).ExecContext(context.Background(), args.B, args.C)
		if err == nil {
			returns.A = container(result)
		}
		return err
	})
	returns.B = encodable(err)
	return nil
}

func (s *databaseServer) Tx(args *plugin.Z_DbTxArgs, returns *plugin.Z_DbStrErrReturn) error {
	err := s.d.raw("Tx", args.A, func(conn any) error {
		tx, err := conn.(driver.ConnBeginTx).BeginTx(context.Background(), args.B)
		if err == nil {
			returns.A = add(s.d, s.d.txs, tx)
		}
		return err
	})
	returns.B = encodable(err)
	return nil
}

func (s *databaseServer) TxCommit(id string, returns *plugin.Z_DbErrReturn) error {
	tx, err := find(s.d, "TxCommit", s.d.txs, id, true)
	if err == nil {
		err = tx.Commit()
	}
	returns.A = encodable(err)
	return nil
}

func (s *databaseServer) TxRollback(id string, returns *plugin.Z_DbErrReturn) error {
	tx, err := find(s.d, "TxRollback", s.d.txs, id, true)
	if err == nil {
		err = tx.Rollback()
	}
	returns.A = encodable(err)
	return nil
}

func (s *databaseServer) Stmt(args *plugin.Z_DbStmtArgs, returns *plugin.Z_DbStrErrReturn) error {
	err := s.d.raw("Stmt", args.A, func(conn any) error {
		stmt, err := conn.(driver.Conn).Prepare(args.B)
		if err == nil {
			returns.A = add(s.d, s.d.stmts, stmt)
		}
		return err
	})
	returns.B = encodable(err)
	return nil
}

func (s *databaseServer) StmtClose(id string, returns *plugin.Z_DbErrReturn) error {
	stmt, err := find(s.d, "StmtClose", s.d.stmts, id, true)
	if err == nil {
		err = stmt.Close()
	}
	returns.A = encodable(err)
	return nil
}

func (s *databaseServer) StmtNumInput(id string, returns *plugin.Z_DbIntReturn) error {
	if stmt, err := find(s.d, "StmtNumInput", s.d.stmts, id, false); err == nil {
		returns.A = stmt.NumInput()
	}
	return nil
}

func (s *databaseServer) StmtQuery(args *plugin.Z_DbStmtQueryArgs, returns *plugin.Z_DbStrErrReturn) error {
	stmt, err := find(s.d, "StmtQuery", s.d.stmts, args.A, false)
	if err == nil {
		var rows driver.Rows
		if rows, err = stmt.(driver.StmtQueryContext).QueryContext(context.Background(), args.B); err == nil {
			returns.A = add(s.d, s.d.rows, rows)
		}
	}
	returns.B = encodable(err)
	return nil
}

func (s *databaseServer) StmtExec(args *plugin.Z_DbStmtQueryArgs, returns *plugin.Z_DbResultContErrReturn) error {
	stmt, err := find(s.d, "StmtExec", s.d.stmts, args.A, false)
	if err == nil {
		var result driver.Result
		if result, err = stmt.(driver.StmtExecContext).ExecContext(context.Background(), args.B); err == nil {
			returns.A = container(result)
		}
	}
	returns.B = encodable(err)
	return nil
}

func (s *databaseServer) RowsColumns(id string, returns *plugin.Z_DbStrSliceReturn) error {
	if rows, err := find(s.d, "RowsColumns", s.d.rows, id, false); err == nil {
		returns.A = rows.Columns()
	}
	return nil
}

func (s *databaseServer) RowsClose(id string, returns *plugin.Z_DbErrReturn) error {
	rows, err := find(s.d, "RowsClose", s.d.rows, id, true)
	if err == nil {
		err = rows.Close()
	}
	returns.A = encodable(err)
	return nil
}

// RowsNext gives back the values of the arguments, filled in; when one of them is a time, gob refuses to encode them, and net/rpc
// closes the connection.
func (s *databaseServer) RowsNext(args *plugin.Z_DbRowScanArg, returns *plugin.Z_DbRowScanReturn) error {
	rows, err := find(s.d, "RowsNext", s.d.rows, args.A, false)
	if err == nil {
		if n := len(rows.Columns()); n != len(args.B) {
			s.d.note("RowsNext with %d values for %d columns", len(args.B), n)
		}
		err = rows.Next(args.B)
	}
	returns.A = encodable(err)
	returns.B = args.B
	return nil
}

func (s *databaseServer) RowsHasNextResultSet(id string, returns *plugin.Z_DbBoolReturn) error {
	if rows, err := find(s.d, "RowsHasNextResultSet", s.d.rows, id, false); err == nil {
		returns.A = rows.(driver.RowsNextResultSet).HasNextResultSet()
	}
	return nil
}

func (s *databaseServer) RowsNextResultSet(id string, returns *plugin.Z_DbErrReturn) error {
	rows, err := find(s.d, "RowsNextResultSet", s.d.rows, id, false)
	if err == nil {
		err = rows.(driver.RowsNextResultSet).NextResultSet()
	}
	returns.A = encodable(err)
	return nil
}

// column finds rows with such a column.
func (s *databaseServer) column(method string, args *plugin.Z_DbRowsColumnArg) (driver.Rows, bool) {
	rows, err := find(s.d, method, s.d.rows, args.A, false)
	if err != nil {
		return nil, false
	}
	if n := len(rows.Columns()); args.B < 0 || args.B >= n {
		s.d.note("%s of column %d of %d", method, args.B, n)
		return nil, false
	}
	return rows, true
}

func (s *databaseServer) RowsColumnTypeDatabaseTypeName(args *plugin.Z_DbRowsColumnArg, returns *string) error {
	if rows, ok := s.column("RowsColumnTypeDatabaseTypeName", args); ok {
		*returns = rows.(driver.RowsColumnTypeDatabaseTypeName).ColumnTypeDatabaseTypeName(args.B)
	}
	return nil
}

func (s *databaseServer) RowsColumnTypePrecisionScale(args *plugin.Z_DbRowsColumnArg, returns *plugin.Z_DbRowsColumnTypePrecisionScaleReturn) error {
	if rows, ok := s.column("RowsColumnTypePrecisionScale", args); ok {
		returns.A, returns.B, returns.C = rows.(driver.RowsColumnTypePrecisionScale).ColumnTypePrecisionScale(args.B)
	}
	return nil
}
