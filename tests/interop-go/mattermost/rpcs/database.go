package rpcs

import (
	"errors"

	"interop/mattermost/generated/plugin"
)

// noDatabase stands in for the server's SQL driver: every method is there, and says that there is no database.
type noDatabase struct{}

var errNoDatabase = plugin.EncodableError(errors.New("this server has no database"))

func (noDatabase) Conn(_ bool, returns *plugin.Z_DbStrErrReturn) error {
	returns.B = errNoDatabase
	return nil
}

func (noDatabase) ConnPing(_ string, returns *plugin.Z_DbErrReturn) error {
	returns.A = errNoDatabase
	return nil
}

func (noDatabase) ConnClose(_ string, returns *plugin.Z_DbErrReturn) error {
	returns.A = errNoDatabase
	return nil
}

func (noDatabase) ConnQuery(_ *plugin.Z_DbConnArgs, returns *plugin.Z_DbStrErrReturn) error {
	returns.B = errNoDatabase
	return nil
}

func (noDatabase) ConnExec(_ *plugin.Z_DbConnArgs, returns *plugin.Z_DbResultContErrReturn) error {
	returns.B = errNoDatabase
	return nil
}

func (noDatabase) Tx(_ *plugin.Z_DbTxArgs, returns *plugin.Z_DbStrErrReturn) error {
	returns.B = errNoDatabase
	return nil
}

func (noDatabase) TxCommit(_ string, returns *plugin.Z_DbErrReturn) error {
	returns.A = errNoDatabase
	return nil
}

func (noDatabase) TxRollback(_ string, returns *plugin.Z_DbErrReturn) error {
	returns.A = errNoDatabase
	return nil
}

func (noDatabase) Stmt(_ *plugin.Z_DbStmtArgs, returns *plugin.Z_DbStrErrReturn) error {
	returns.B = errNoDatabase
	return nil
}

func (noDatabase) StmtClose(_ string, returns *plugin.Z_DbErrReturn) error {
	returns.A = errNoDatabase
	return nil
}

func (noDatabase) StmtNumInput(_ string, returns *plugin.Z_DbIntReturn) error {
	returns.A = -1
	return nil
}

func (noDatabase) StmtQuery(_ *plugin.Z_DbStmtQueryArgs, returns *plugin.Z_DbStrErrReturn) error {
	returns.B = errNoDatabase
	return nil
}

func (noDatabase) StmtExec(_ *plugin.Z_DbStmtQueryArgs, returns *plugin.Z_DbResultContErrReturn) error {
	returns.B = errNoDatabase
	return nil
}

func (noDatabase) RowsColumns(_ string, _ *plugin.Z_DbStrSliceReturn) error {
	return nil
}

func (noDatabase) RowsClose(_ string, returns *plugin.Z_DbErrReturn) error {
	returns.A = errNoDatabase
	return nil
}

func (noDatabase) RowsNext(_ *plugin.Z_DbRowScanArg, returns *plugin.Z_DbRowScanReturn) error {
	returns.A = errNoDatabase
	return nil
}

func (noDatabase) RowsHasNextResultSet(_ string, _ *plugin.Z_DbBoolReturn) error {
	return nil
}

func (noDatabase) RowsNextResultSet(_ string, returns *plugin.Z_DbErrReturn) error {
	returns.A = errNoDatabase
	return nil
}

func (noDatabase) RowsColumnTypeDatabaseTypeName(_ *plugin.Z_DbRowsColumnArg, _ *string) error {
	return nil
}

func (noDatabase) RowsColumnTypePrecisionScale(_ *plugin.Z_DbRowsColumnArg, _ *plugin.Z_DbRowsColumnTypePrecisionScaleReturn) error {
	return nil
}
